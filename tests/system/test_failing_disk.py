"""A disk that fails is not a missing file: clients are told that the server failed, and the log says what did."""
import errno
import os
import pathlib
import subprocess
import tempfile
import unittest

from support.daemon import Daemon, binary
from support.injection import Injection, skip_without_strace
from support.peers import receive_until_end
from support.runner import main
from support.waiting import DEADLINE

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = files
[listener.text]
bind = 127.0.0.1:0
protocol = text
service = files
[service.files]
type = file
root = {root}
"""
EVERY_CALL = "1+"
NO_SUCH_FILE = 78
CONTENT = b"content" * 100


class FailingDisk(unittest.TestCase):
    def setUp(self):
        skip_without_strace()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-disk-")))
        root = self.folder / "root"
        root.mkdir()
        (root / "note").write_bytes(CONTENT)
        self.daemon = self.enterContext(Daemon(CONFIG.format(root=root)))

    def ask(self, command, name):
        host, port = self.daemon.address()
        options = ["-o", "-", "--retry", "0"] if command == "get" else []
        return subprocess.run([binary("fairlead"), command, *options, "--service", "files", f"{host}:{port}", name],
                              capture_output=True, timeout=DEADLINE, stdin=subprocess.DEVNULL)

    def check(self, calls, error, command, name, doing):
        before = len(self.daemon.events("file failed"))
        with Injection(self.daemon, calls, error, EVERY_CALL) as injection:
            done = self.ask(command, name)
        self.assertGreater(injection.failed, 0)
        self.assertNotIn(done.returncode, (0, NO_SUCH_FILE), done)
        self.assertNotIn(b"no such file", done.stderr)
        event = self.daemon.wait_for_events("file failed", before + 1)[-1]
        self.assertEqual(("error", name.removesuffix("."), doing, os.strerror(getattr(errno, error))),
                         (event["level"], event["name"], event["doing"], event["why"]))

    def test_a_name_that_cannot_be_looked_up(self):
        for error in ("EIO", "ESTALE", "EPERM", "ETIMEDOUT"):
            with self.subTest(error=error):
                self.check("openat2", error, "get", "note", "open")

    def test_what_is_missing_or_forbidden_stays_so_without_a_word_in_the_log(self):
        for error in ("ENOENT", "ENOTDIR", "EACCES", "ELOOP", "EXDEV", "ENAMETOOLONG"):
            with self.subTest(error=error), Injection(self.daemon, "openat2", error, EVERY_CALL):
                self.assertEqual(NO_SUCH_FILE, self.ask("get", "note").returncode)
        self.assertEqual([], self.daemon.events("file failed"))

    def test_a_file_that_cannot_be_hashed(self):
        self.check("pread64", "EIO", "get", "note", "read")

    def test_a_file_that_cannot_be_read(self):
        self.check("preadv2", "EIO", "get", "note", "read")

    def test_a_directory_that_cannot_be_listed(self):
        self.check("getdents64", "EIO", "ls", ".", "list")

    def test_a_plain_client_does_not_take_it_for_an_empty_file(self):
        for calls in "openat2", "preadv2,sendfile":
            with self.subTest(calls=calls), self.daemon.connect("text") as client:
                with Injection(self.daemon, calls, "EIO", EVERY_CALL):
                    client.sendall(b"note\n")
                    with self.assertRaises(ConnectionResetError):
                        receive_until_end(client)
        self.assertEqual(["open", "read"], [event["doing"] for event in self.daemon.wait_for_events("file failed", 2)])


if __name__ == "__main__":
    main()
