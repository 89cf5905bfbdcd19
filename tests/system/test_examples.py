"""docs/examples: the service within a daemon of ours, and the client against a daemon. test_examples_long.py builds both as their
pages say."""
import pathlib
import subprocess
import unittest

from support.client import unused_port
from support.daemon import SOURCE_DIR, Daemon, binary
from support.runner import main
from support.waiting import DEADLINE

EXAMPLES = SOURCE_DIR / "docs" / "examples"
ECHO = """
[service.echo]
type = echo
[listener.main]
bind = 127.0.0.1:0
service = echo
"""


def run(program, *words):
    process = subprocess.run([str(program), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
    return process.returncode, process.stdout, process.stderr


class TheService(unittest.TestCase):
    def program(self):
        return "fairleadd_for_tests"

    def test_answers_as_its_first_line_says(self):
        daemon = self.enterContext(Daemon(config_file=EXAMPLES / "service" / "words.conf", program=self.program(),
                                          arguments=["--set", "listener.main.bind=127.0.0.1:0"]))
        with daemon.connect() as client, client.makefile("rb") as replies:
            self.assertEqual(b"send a line\n", replies.readline())
            client.sendall("one two  three\n你好\n".encode())
            self.assertEqual(b"3 words, 14 bytes\n", replies.readline())
            self.assertEqual(b"1 words, 6 bytes\n", replies.readline())


class TheClient(unittest.TestCase):
    def program(self):
        return pathlib.Path(binary("example_client"))

    def test_prints_both_answers(self):
        daemon = self.enterContext(Daemon(ECHO))
        self.assertEqual((0, "1: hello\n2: world\n", ""), run(self.program(), "127.0.0.1:%d" % daemon.address()[1]))

    def test_says_why_it_cannot_connect(self):
        self.assertEqual((0, "", "Connection refused\n"), run(self.program(), f"127.0.0.1:{unused_port()}"))

    def test_says_how_it_is_used(self):
        status, out, complaint = run(self.program())
        self.assertEqual((2, ""), (status, out))
        self.assertTrue(complaint.startswith("usage: "), complaint)


if __name__ == "__main__":
    main()
