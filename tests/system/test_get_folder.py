"""fairlead get into a folder that is full, or that somebody has prepared: exit 23 or the right file, and nothing outside."""
import contextlib
import os
import resource
import signal
import subprocess
import unittest

from support.file_server import GET, FileServer, Pausing
from support.getting import MIB, GettingTest, sha256, some_bytes
from support.runner import main
from support.waiting import wait_for

CANARY = b"not to be touched"


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of its own of that size, mounted there; SkipTest where that is not allowed."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        raise unittest.SkipTest(f"nothing may be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


class FullDisk(GettingTest):
    def setUp(self):
        super().setUp()
        self.content = some_bytes(5 * MIB)
        self.server = self.enterContext(FileServer({b"file": self.content}))

    def test_a_disk_that_becomes_full(self):
        self.enterContext(small_disk(self.target, 8 * MIB))
        server = self.enterContext(Pausing({b"file": self.content}))
        process = self.start("-q", server.address, "file")
        part = self.target / "file.part"
        wait_for(lambda: part.exists() and part.stat().st_blocks * 512 >= 2 * MIB, "two chunks to be on the disk")
        (self.target / "other").write_bytes(bytes(5 * MIB))
        server.go_on.set()
        self.assert_failed(self.finish(process), 23)
        self.assertFalse((self.target / "file").exists())
        (self.target / "other").unlink()
        server.sent = 0
        self.assert_fetched(self.get("-q", server.address, "file"), {"file": self.content})
        self.assertLess(server.sent, 4 * MIB, "what was there was not fetched again")

    def test_a_file_that_the_disk_has_no_room_for(self):
        self.enterContext(small_disk(self.target, 3 * MIB))
        result = self.get("-q", self.server.address, "file")
        self.assert_failed(result, 23)
        self.assertIn("5 MiB are needed", result.err)
        self.assert_nothing_stored()

    def test_files_that_it_has_no_room_for_together(self):
        """Each has room, as long as the other one has not come."""
        self.enterContext(small_disk(self.target, 8 * MIB))
        server = self.enterContext(Pausing({b"one": self.content, b"two": self.content}))
        process = self.start("-q", "-j", "2", server.address, "one", "two")
        self.assertIn(b"are needed", process.stderr.readline())
        server.go_on.set()
        self.assertEqual(23, self.finish(process).code)
        stored = [path.name for path in self.target.iterdir() if path.name in ("one", "two")]
        self.assertEqual(1, len(stored))
        self.assertEqual(sha256(self.content), sha256((self.target / stored[0]).read_bytes()))

    def test_a_tree_that_it_has_no_room_for(self):
        self.enterContext(small_disk(self.target, 8 * MIB))
        server = self.enterContext(FileServer({f"tree/{name}".encode(): self.content for name in "ab"} | {b"tree/c": b"c"}))
        result = self.get("-q", "-r", server.address, "tree")
        self.assert_failed(result, 23)
        self.assertIn("11 MiB are needed", result.err)
        self.assertEqual(0, server.count(GET), "nothing was fetched")
        # What is there needs no room.
        (self.target / "tree" / "b").write_bytes(self.content)
        result = self.get("-q", "-r", "--if-exists", "skip", server.address, "tree")
        self.assert_failed(result, 23)
        (self.target / "tree" / "b").write_bytes(b"")
        self.assert_fetched(self.get("-q", "-r", "--if-exists", "skip", server.address, "tree"),
                            {"tree/a": self.content, "tree/b": b"", "tree/c": b"c"})

    def assert_nothing_stored(self):
        self.assertLess(sum(path.stat().st_blocks * 512 for path in self.target.iterdir()), MIB)

    def test_a_limit_on_the_size_of_files(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB + 17, 2 * MIB + 17))
        self.assert_failed(self.get("-q", self.server.address, "file", preexec_fn=limit), 23)
        self.assertFalse((self.target / "file").exists())
        self.assert_fetched(self.get("-q", self.server.address, "file"), {"file": self.content})


class Links(GettingTest):
    """Symbolic links to a canary outside, where something is going to be stored."""

    def setUp(self):
        super().setUp()
        self.outside = self.base / "outside"
        self.outside.mkdir()
        self.canary = self.outside / "canary"
        self.canary.write_bytes(CANARY)
        self.server = self.enterContext(FileServer({b"file": b"content", b"tree/sub/file": b"deep", b"tree/sub/new": b"new"}))

    def tearDown(self):
        self.assertEqual([self.canary], list(self.outside.iterdir()))
        self.assertEqual(CANARY, self.canary.read_bytes())

    def link(self, name, to):
        (self.target / name).parent.mkdir(exist_ok=True)
        os.symlink(to, self.target / name)

    def test_at_the_target(self):
        for to in self.canary, self.outside / "missing", "file":
            self.link("file", to)
            self.assert_failed(self.get(self.server.address, "file"), 23)
            self.assertTrue((self.target / "file").is_symlink())
            self.assert_failed(self.get("-q", "--if-exists", "overwrite", self.server.address, "file"), 23)
            self.assertTrue((self.target / "file").is_symlink())
            (self.target / "file").unlink()

    def test_at_the_temporary_files(self):
        for name in "file.part", "file.part.info":
            for to in self.canary, self.outside / "missing":
                with self.subTest(name=name, to=to):
                    self.link(name, to)
                    result = self.get("-q", self.server.address, "file")
                    if result.code == 0:
                        self.assert_stored({"file": b"content"})
                    else:
                        self.assert_failed(result, 23)
                        self.assertFalse((self.target / "file").exists())
                    self.empty_target()

    def test_in_a_tree(self):
        for name, to in ("tree", self.outside), ("tree/sub", self.outside), ("tree/sub", ".."):
            with self.subTest(name=name, to=to):
                self.link(name, to)
                result = self.get("-q", "-r", "--if-exists", "overwrite", self.server.address, "tree")
                self.assertEqual(23, result.code, result.err)
                self.assertEqual([self.canary], list(self.outside.iterdir()))
                self.assertEqual([], [path for path in self.target.rglob("*") if path.is_file()])
                self.empty_target()

    def test_no_regular_files(self):
        for name in "file", "file.part", "file.part.info":
            with self.subTest(name=name):
                os.mkfifo(self.target / name)
                result = self.get("-q", "--if-exists", "overwrite", self.server.address, "file")
                if result.code != 0:
                    self.assert_failed(result, 23)
                self.empty_target()


if __name__ == "__main__":
    main()
