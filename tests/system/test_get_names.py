"""fairlead get beside other programs that remove, rename and replace files: what it stores under a name is what it has verified,
and what is not its own stays as it is."""
import os
import pathlib
import signal
import stat
import subprocess
import tempfile
import unittest

from support.client import unused_port
from support.file_server import FileServer, Pausing, identity
from support.getting import MIB, GettingTest, sha256, some_bytes
from support.injection import skip_without_strace
from support.runner import main
from support.waiting import wait_for

# Locks that everybody gets, and file systems that have none.
NO_LOCKS = ("retval=0", "error=ENOSYS", "error=ENOLCK")


def without_locks(how):
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e", f"inject=flock:{how}"]


class Parts(GettingTest):
    def setUp(self):
        super().setUp()
        self.content = some_bytes(4 * MIB)
        self.server = self.enterContext(Pausing({b"file": self.content}))
        self.part = self.target / "file.part"

    def begin(self, **options):
        """A download that has stored half of the file."""
        process = self.start("-q", self.server.address, "file", **options)
        wait_for(lambda: any(path.stat().st_blocks * 512 >= 2 * MIB for path in self.target.glob("*.part")), "half of it to be there")
        return process

    def test_the_part_of_another_download_does_not_get_the_name(self):
        """The part was removed, and another download has begun the same file."""
        for arguments in [], ["--if-exists", "overwrite"]:
            with self.subTest(arguments=arguments):
                process = self.start("-q", *arguments, self.server.address, "file")
                wait_for(lambda: self.part.exists() and self.part.stat().st_blocks * 512 >= 2 * MIB, "half of it to be there")
                for path in self.target.iterdir():
                    path.unlink()
                self.part.write_bytes(b"begun by another one")
                self.server.go_on.set()
                self.assert_failed(self.finish(process), 23)
                self.assert_stored({"file.part": b"begun by another one"})
                self.server.go_on.clear()
                self.empty_target()

    def test_two_at_once_where_locks_say_nothing(self):
        """They never write into one file."""
        skip_without_strace()
        for how in NO_LOCKS:
            with self.subTest(how=how):
                first = self.begin(under=without_locks(how))
                inodes = {path.stat().st_ino for path in self.target.glob("*.part")}
                newer = some_bytes(4 * MIB, "newer")
                other = self.enterContext(FileServer({b"file": newer}))
                result = self.get("-q", "--if-exists", "overwrite", other.address, "file", under=without_locks(how))
                self.assert_stored_among({"file": newer})
                self.assertEqual(0, result.code, result.err)
                self.assertNotIn((self.target / "file").stat().st_ino, inodes)
                self.server.go_on.set()
                self.assert_failed(self.finish(first), 23)  # it has come from elsewhere
                self.assertEqual(sha256(newer), sha256((self.target / "file").read_bytes()))
                self.server.go_on.clear()
                self.empty_target()

    def assert_stored_among(self, expected):
        for name, content in expected.items():
            self.assertEqual(sha256(content), sha256((self.target / name).read_bytes()))

    def test_an_interrupted_download_goes_on_where_locks_say_nothing(self):
        skip_without_strace()
        for how in NO_LOCKS:
            with self.subTest(how=how):
                process = self.begin(under=without_locks(how))
                os.kill(self.child_of(process), signal.SIGINT)
                self.assertEqual(130, self.finish(process).code)
                self.assertEqual({"file.part", "file.part.info"}, {path.name for path in self.target.iterdir()})
                self.server.go_on.set()
                self.server.sent = 0
                self.assert_fetched(self.get("-q", self.server.address, "file", under=without_locks(how)), {"file": self.content})
                self.assertLess(self.server.sent, 3 * MIB)
                self.server.go_on.clear()
                self.empty_target()

    @staticmethod
    def child_of(process):
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
            return int(children.read().split()[0])

    def test_a_plain_attempt_keeps_what_a_framed_one_has_left(self):
        process = self.begin()
        process.send_signal(signal.SIGINT)
        self.assertEqual(130, self.finish(process).code)
        left = {path.name: path.read_bytes() for path in self.target.iterdir()}
        self.assertEqual({"file.part", "file.part.info"}, set(left))
        self.assert_failed(self.get("--protocol", "text", f"127.0.0.1:{unused_port()}", "file"), 7)
        self.assert_stored(left)


@unittest.skipUnless(os.geteuid() == 0, "needs root, for machines of its own")
class Machines(GettingTest):
    """A folder that two machines have, of whose locks each knows its own only. The kind of its file system is not known, as
    that of one in user space."""

    def setUp(self):
        super().setUp()
        skip_without_strace()
        if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no machine of its own can be had here")
        self.content, self.newer = some_bytes(4 * MIB), some_bytes(4 * MIB, "newer")
        self.server = self.enterContext(Pausing({b"file": self.content}))
        self.newer_server = self.enterContext(Pausing({b"file": self.newer}))
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-machines-")))

    def machine(self, key, *more):
        (self.folder / key).write_text(f"{key}-0000-0000-0000-000000000000\n")
        calls = ["-e", "trace=fstatfs,flock", "-e", "inject=fstatfs:error=ENOSYS", *more]
        return ["unshare", "-m", "sh", "-ec", f'mount --bind {self.folder / key} /proc/sys/kernel/random/boot_id; exec "$@"', "sh",
                "strace", "-f", "-qq", "-o", "/dev/null", *calls]

    def parts(self):
        return {path: path.stat().st_blocks * 512 for path in self.target.glob("*.part")}

    def begin(self, server, under):
        process = self.start("-q", server.address, "file", under=under)
        wait_for(lambda: list(self.parts().values()) == [2 * MIB], "half of it to be there")
        return process

    def end_by(self, process, number):
        """Of the download, not of who traces it."""
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
            os.kill(int(children.read().split()[0]), number)
        return self.finish(process)

    def test_two_at_once(self):
        """The second one gets the lock that the first one has."""
        first = self.begin(self.server, self.machine("11111111"))
        second = self.start("-q", self.newer_server.address, "file",
                            under=self.machine("22222222", "-e", "inject=flock:retval=0:when=1"))
        wait_for(lambda: any(path.read_bytes()[MIB:2 * MIB] == self.newer[MIB:2 * MIB] for path in self.parts()), "its half to be there")
        self.server.go_on.set()
        self.assertEqual(0, self.finish(first).code)
        self.assertEqual(sha256(self.content), sha256((self.target / "file").read_bytes()))
        self.newer_server.go_on.set()
        self.assert_failed(self.finish(second), 23)
        self.assertEqual(sha256(self.content), sha256((self.target / "file").read_bytes()))

    def test_two_at_once_on_one(self):
        process = self.begin(self.server, self.machine("11111111"))
        other = self.get("-q", self.newer_server.address, "file", under=self.machine("11111111"))
        self.assert_failed(other, 23)
        self.assertIn("another download is writing", other.err)
        self.server.go_on.set()
        self.assert_fetched(self.finish(process), {"file": self.content})

    def check_goes_on(self, number, key):
        self.end_by(self.begin(self.server, self.machine("11111111")), number)
        self.server.go_on.set()
        self.server.sent = 0
        self.assert_fetched(self.get("-q", self.server.address, "file", under=self.machine(key)), {"file": self.content})
        self.assertLess(self.server.sent, 3 * MIB)

    def test_one_that_is_killed_goes_on_there(self):
        self.check_goes_on(signal.SIGKILL, "11111111")

    def test_one_that_is_interrupted_goes_on_anywhere(self):
        self.check_goes_on(signal.SIGINT, "22222222")


class WithoutLinks(GettingTest):
    """A file system without hard links, and a machine without /proc: the name is renamed, if it still is the file's."""

    def test_stored_and_replaced(self):
        skip_without_strace()
        server = self.enterContext(FileServer({b"file": b"theirs"}))
        for error in "EPERM", "ENOENT":
            under = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=linkat", "-e", f"inject=linkat:error={error}"]
            self.assert_fetched(self.get("-q", server.address, "file", under=under), {"file": b"theirs"})
            self.assert_failed(self.get("-q", server.address, "file", under=under), 23)
            (self.target / "file").write_bytes(b"mine")
            result = self.get("-q", "--if-exists", "rename", server.address, "file", under=under)
            self.assert_fetched(result, {"file": b"mine", "file.1": b"theirs"})
            result = self.get("-q", "--if-exists", "overwrite", server.address, "file", under=under)
            self.assert_fetched(result, {"file": b"theirs", "file.1": b"theirs"})
            self.empty_target()


class Replaced(GettingTest):
    """What is there already, and how it is replaced."""

    def setUp(self):
        super().setUp()
        self.server = self.enterContext(FileServer({b"file": b"theirs"}))

    def test_only_regular_files(self):
        fifo = self.target / "file"
        os.mkfifo(fifo)
        for arguments in [], ["--if-exists", "overwrite"]:
            result = self.get(*arguments, self.server.address, "file")
            self.assert_failed(result, 23)
            self.assertIn("-o -", result.err)
            self.assertTrue(stat.S_ISFIFO(fifo.lstat().st_mode))
        self.assertEqual([], self.server.asked, "nothing was fetched for it")

    def test_devices_stay_what_they_are(self):
        device = self.target / "null"
        try:
            os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError as problem:
            raise unittest.SkipTest(str(problem)) from None
        self.assert_failed(self.get("--if-exists", "overwrite", "-o", "null", self.server.address, "file"), 23)
        self.assertTrue(stat.S_ISCHR(device.lstat().st_mode))

    def test_the_mode_stays(self):
        file = self.target / "file"
        for mode in 0o600, 0o640, 0o755:
            file.write_bytes(b"mine")
            file.chmod(mode)
            self.assert_fetched(self.get("-q", "--if-exists", "overwrite", self.server.address, "file"), {"file": b"theirs"})
            self.assertEqual(mode, stat.S_IMODE(file.stat().st_mode))

    @unittest.skipIf(os.getuid(), "only root may give files away")
    def test_the_owner_stays(self):
        file = self.target / "file"
        file.write_bytes(b"mine")
        os.chown(file, 1234, 4321)
        self.assert_fetched(self.get("-q", "--if-exists", "overwrite", self.server.address, "file"), {"file": b"theirs"})
        self.assertEqual((1234, 4321), (file.stat().st_uid, file.stat().st_gid))

    @unittest.skipIf(os.getuid(), "only root may become others")
    def test_the_rights_of_a_group_that_cannot_be_kept(self):
        file = self.target / "file"
        file.write_bytes(b"mine")
        os.chown(file, 1234, 4321)
        file.chmod(0o660)
        os.chown(self.target, 1234, 1234)
        os.chmod(self.base, 0o755)
        result = self.get("-q", "--if-exists", "overwrite", self.server.address, "file", user=1234, group=1234, extra_groups=[])
        self.assertEqual(0, result.code, result.err)
        self.assertEqual((1234, 0o600), (file.stat().st_gid, stat.S_IMODE(file.stat().st_mode)))


class Where(GettingTest):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(FileServer({b"file": b"theirs"}))

    def test_an_empty_folder_is_the_current_one(self):
        (self.target / "sub").mkdir()
        self.assert_fetched(self.get("-q", "-O", "", self.server.address, "file"), {"file": b"theirs"})
        result = self.get("-q", "-O", "", "-o", "sub/other", self.server.address, "file")
        self.assert_fetched(result, {"file": b"theirs", "sub/other": b"theirs"})

    def test_a_name_that_is_too_long(self):
        result = self.get("-o", 300 * "n", self.server.address, "file")
        self.assert_failed(result, 23)
        self.assertEqual([], self.server.asked, "nothing was fetched for it")

    def test_a_file_system_with_shorter_names(self):
        """eCryptfs takes 143 bytes: strace writes them into the answer of fstatfs(2), behind its first eight words."""
        skip_without_strace()
        server = self.enterContext(Pausing({b"x" * 143: some_bytes(2 * MIB), b"y" * 144: b"y"}))
        answer = bytes(64) + (143).to_bytes(8, "little")
        under = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fstatfs", "-e",
                 f"inject=fstatfs:poke_exit=@arg2={answer.hex()}"]
        process = self.start("-q", server.address, "x" * 143, under=under)
        wait_for(lambda: list(self.target.glob("*.part")), "the part to be there")
        self.assertEqual([], [path.name for path in self.target.iterdir() if len(path.name) > 143])
        server.go_on.set()
        self.assert_fetched(self.finish(process), {"x" * 143: server.files[b"x" * 143]})
        self.assert_failed(self.get("-q", server.address, "y" * 144, under=under), 23)

    @unittest.skipIf(os.getuid(), "only root may become others")
    def test_a_drop_box(self):
        """It may be written and not be read."""
        os.chmod(self.base, 0o755)
        os.chmod(self.target, 0o333)
        server = self.enterContext(FileServer({b"file": b"theirs", b"tree/a/b": b"deep"}))
        for arguments in ["file"], ["-r", "tree"]:
            result = self.get("-q", *arguments[:-1], "-O", str(self.target), server.address, arguments[-1], cwd="/",
                              user=1234, group=1234, extra_groups=[])
            self.assertEqual(0, result.code, result.err)
        self.assert_stored({"file": b"theirs", "tree/a/b": b"deep"})


if __name__ == "__main__":
    main()
