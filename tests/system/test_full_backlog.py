"""A unix socket whose backlog is full: connect(2) does not wait there, and says EAGAIN. The client tries on until its time is up,
and takes it for no connection."""
import contextlib
import json
import pathlib
import socket
import subprocess
import tempfile
import unittest

from support.client import ENVIRONMENT, fairlead
from support.daemon import binary
from support.runner import main
from support.waiting import DEADLINE


class FullBacklog(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-test-"))
        self.path = str(pathlib.Path(folder) / "socket")
        self.listener = self.enterContext(socket.socket(socket.AF_UNIX))
        self.listener.bind(self.path)
        self.listener.listen(0)
        self.address = "unix:" + self.path
        self.fillers = []
        with contextlib.suppress(BlockingIOError):
            while True:
                self.fillers.append(self.enterContext(socket.socket(socket.AF_UNIX)))
                self.fillers[-1].setblocking(False)
                self.fillers[-1].connect(self.path)

    def check(self, code, *words):
        result = fairlead(*words)
        self.assertEqual((code, b""), (result.code, result.out), result.err)
        self.assertEqual(1, len(result.err.splitlines()), result.err)
        self.assertIn("no answer to the attempt to connect", result.err)

    def test_ping_has_no_answer(self):
        for protocol in ("framed", "tcp"):
            with self.subTest(protocol):
                self.check(2, "ping", "-w", "200ms", "--protocol", protocol, self.address)

    def test_commands_time_out(self):
        for words in (["send", self.address, "x"], ["get", self.address, "x", "--retry", "0"], ["ls", self.address],
                      ["term", "--plain", self.address]):
            with self.subTest(words):
                self.check(28, words[0], "--connect-timeout", "200ms", *words[1:])

    def test_a_load_test_counts_it_as_the_servers(self):
        result = fairlead("bench", "-q", "-c", "2", "-d", "500ms", "--connect-timeout", "100ms", "--json", "-", self.address)
        self.assertEqual(28, result.code, result.err)
        counts = json.loads(result.out)["counts"]
        self.assertEqual((0, ["connect_timeout"]), (counts["connects"], [name for name, count in counts["connect_errors"].items() if count]))

    def test_a_place_that_becomes_free_is_taken(self):
        with subprocess.Popen([binary("fairlead"), "send", self.address, "hello"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=ENVIRONMENT) as client:
            self.listener.settimeout(DEADLINE)
            for _ in self.fillers[:-1]:  # the last one found no place
                self.listener.accept()[0].close()
            connection, _ = self.listener.accept()
            with connection:
                connection.settimeout(DEADLINE)
                self.assertEqual(b"hello", connection.recv(100))
                connection.sendall(b"well\n")
                out, err = client.communicate(timeout=DEADLINE)
        self.assertEqual((0, b"well\n", b""), (client.returncode, out, err))


if __name__ == "__main__":
    main()
