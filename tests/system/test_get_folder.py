"""fairlead get into a folder that is full, or that somebody has prepared: exit 23 or the right file, and nothing outside."""
import contextlib
import os
import resource
import signal
import subprocess
import unittest

from support.file_server import FileServer
from support.getting import MIB, GettingTest, some_bytes
from support.runner import main

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

    def test_a_small_disk(self):
        self.enterContext(small_disk(self.target, 3 * MIB))
        self.assert_failed(self.get("-q", self.server.address, "file"), 23)
        self.assertFalse((self.target / "file").exists())
        subprocess.run(["mount", "-o", f"remount,size={8 * MIB}", self.target], check=True)
        self.server.sent = 0
        self.assert_fetched(self.get("-q", self.server.address, "file"), {"file": self.content})
        self.assertLess(self.server.sent, 4 * MIB, "what was there was not fetched again")

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
            result = self.get("-q", "--if-exists", "overwrite", self.server.address, "file")
            self.assert_fetched(result, {"file": b"content"})
            self.assertFalse((self.target / "file").is_symlink())
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
