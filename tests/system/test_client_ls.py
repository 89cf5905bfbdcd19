"""fairlead ls: against the daemon and a real disk, and against servers that lie."""
import datetime
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

from support.client import ENVIRONMENT, PlainServer, fairlead, hold
from support.daemon import Daemon, binary
from support.peers import CLOSE, ERROR, HELLO, OPEN, OPENED, PING, PREFACE, frame, receive_exactly
from support.runner import main
from support.screen import HAVE_TMUX, Screen
from support.waiting import DEADLINE

STAT, STATUS, LIST, LISTING = range(0x20, 0x24)
FILE, DIRECTORY = 1, 2

CONFIG = """
[service.file]
type = file
root = {root}
[service.other]
type = echo
[listener.main]
bind = 127.0.0.1:0
service = other
services = file, other
"""


class LsTest(unittest.TestCase):
    def check(self, result, code, *lines):
        """Exit code and, unless it is 0, one line on stderr for each of `lines`, with that in it."""
        self.assertEqual(code, result.code, result.err)
        self.assertEqual(len(lines), len(result.err.splitlines()), result.err)
        for line, part in zip(result.err.splitlines(), lines):
            self.assertIn(part, line)
            self.assertTrue(line.startswith("fairlead: "), line)


class OfTheDaemon(LsTest):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-ls-")))
        (self.root / "目录" / "deep").mkdir(parents=True)
        self.write("a.txt", b"inside", 1_000_000_000_123_456_789)
        self.write("目录/文件", b"four", 5)
        self.write("目录/deep/" + "x" * 255, b"")

    def write(self, name, content, mtime_ns=0):
        (self.root / name).write_bytes(content)
        os.utime(self.root / name, ns=(mtime_ns, mtime_ns))

    def ls(self, *arguments, **options):
        if not hasattr(self, "address"):
            daemon = self.enterContext(Daemon(CONFIG.format(root=self.root)))
            self.address = "127.0.0.1:%d" % daemon.address()[1]
        at = next((i for i, word in enumerate(arguments) if not word.startswith("-")), len(arguments))
        return fairlead("ls", *arguments[:at], self.address, *arguments[at:], **options)

    def lines(self, *arguments):
        result = self.ls(*arguments)
        self.check(result, 0)
        return result.text.splitlines()

    def test_the_root_a_directory_and_a_file(self):
        for root in (), (".",), ("/",):
            self.assertEqual(["a.txt", "目录/"], self.lines(*root))
        self.assertEqual(["目录/deep/", "目录/文件"], self.lines("目录"))
        self.assertEqual(["目录/deep/", "目录/文件"], self.lines("目录/"))
        self.assertEqual(["目录/文件"], self.lines("目录/文件"))
        self.assertEqual(["a.txt", "目录/文件", "目录/deep/" + "x" * 255],
                         self.lines("目录/deep", "a.txt", "目录/文件")[:2] + self.lines("目录/deep"))

    def test_everything_below(self):
        for i in range(30):
            folder = self.root / f"many/{i}"
            folder.mkdir(parents=True)
            for j in range(i * 10):
                (folder / f"{j:0200}").touch()
        wanted = set()
        for folder, folders, files in os.walk(self.root):
            at = pathlib.Path(folder).relative_to(self.root)
            wanted |= {str(at / name) + "/" for name in folders} | {str(at / name) for name in files}
        found = self.lines("-r")
        self.assertEqual(len(found), len(wanted))
        self.assertEqual(wanted, set(found))
        self.assertEqual({name for name in wanted if name.startswith("many/29/") and name != "many/29/"},
                         set(self.lines("-r", "many/29")))

    def test_a_directory_of_many_pages_comes_in_order(self):
        names = [f"{i:06}" for i in range(5000)]
        (self.root / "many").mkdir()
        for name in names:
            (self.root / "many" / name).touch()
        self.assertEqual(["many/" + name for name in names], self.lines("many"))

    def test_long(self):
        found = self.lines("-l")
        self.assertEqual("-             6  2001-09-09T01:46:40Z  a.txt", found[0])
        time = datetime.datetime.fromtimestamp(int(os.stat(self.root / "目录").st_mtime), datetime.timezone.utc)
        self.assertEqual(f"d             -  {time:%Y-%m-%dT%H:%M:%SZ}  目录/", found[1])

    def test_long_before_1970(self):
        self.write("a.txt", b"", -1)
        self.assertIn("1969-12-31T23:59:59Z", self.lines("-l", "a.txt")[0])

    def test_json(self):
        self.write('q"\\\n\x1b', b"123", 7)
        found = [json.loads(line) for line in self.lines("--json", "-r")]
        self.assertEqual({"name": "a.txt", "kind": "file", "size": 6, "mtime_ns": 1_000_000_000_123_456_789}, found[0])
        self.assertEqual({"name": 'q"\\\n\x1b', "kind": "file", "size": 3, "mtime_ns": 7}, found[1])
        self.assertEqual(("目录", "directory"), (found[2]["name"], found[2]["kind"]))
        self.assertIn("目录/文件", [one["name"] for one in found])

    def test_json_is_utf_8_whatever_the_locale(self):
        result = self.ls("--json", "目录", environment={"LC_ALL": "C"})
        self.assertIn("目录/文件", result.text)

    def test_names_with_control_bytes_are_escaped(self):
        self.write("z\x1b[31m\n\x07z", b"")
        self.write("y\\\u202e", b"")
        self.assertEqual(["y\\\u202e", "z\\x1b[31m\\n\\x07z"], self.lines()[1:3])

    @unittest.skipUnless(HAVE_TMUX, "tmux is not installed")
    def test_names_are_escaped_on_a_terminal(self):
        self.write("y\u202e", b"")
        self.write("z\x1b]0;mine\x07", b"")
        self.lines()
        with Screen("ls", self.address) as screen:
            screen.wait_for_line("exit=0")
            self.assertEqual(["a.txt", "y\\u{202e}", "z\\x1b]0;mine\\x07", "目录/", "exit=0"], screen.lines())

    def test_what_is_missing_does_not_stop_the_rest(self):
        result = self.ls("missing", "a.txt", "../a.txt", "目录")
        self.check(result, 78, "../a.txt: no such file", "missing: no such file")
        self.assertEqual(["a.txt", "目录/deep/", "目录/文件"], result.text.splitlines())

    def test_the_service_is_named_or_file(self):
        self.check(self.ls("--service=nix"), 1, "--service takes one of file, other")
        self.check(self.ls("--service=other"), 1, "unknown_service")

    def test_wrong_command_lines(self):
        for words in ([], ["--nonsense", "h"], ["-l", "--json", "h"], ["--timeout", "x", "h"], ["7878"],
                      ["--service", "x" * 65, "h"]):
            with self.subTest(words):
                self.check(fairlead("ls", *words), 2, "fairlead: ")

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            self.check(self.ls("-r", stdout=full), 23, "cannot write the list")


def received_frame(connection):
    length, kind, _, channel, request_id = struct.unpack(">IBBHI", receive_exactly(connection, 12))
    return kind, channel, request_id, receive_exactly(connection, length)


def entry(kind, name):
    return struct.pack(">BQqH", kind, 0, 0, len(name)) + name


def page(*entries, more=False):
    return struct.pack(">BH", more, len(entries)) + b"".join(entries)


def file_server(answer):
    """A server that opens the service and then sends what answer(kind, payload) returns: a type and a payload; or
    nothing more, when that is None."""
    def serve(server, connection):
        receive_exactly(connection, len(PREFACE))
        connection.sendall(PREFACE + frame(HELLO, struct.pack(">HHI", 1, 64, 1 << 20) + b"\0\0\1\4file"))
        while True:
            try:
                kind, channel, request_id, payload = received_frame(connection)
            except EOFError:
                return
            server.received.append(kind)
            if kind == HELLO:
                continue
            reply = (OPENED, b"") if kind == OPEN else answer(kind, payload)
            if reply is None:
                return hold(connection)
            if reply != "nothing":
                connection.sendall(frame(*reply, channel=channel, request_id=request_id))
    return PlainServer(serve)


class OfServersThatLie(LsTest):
    def ls(self, answer, *arguments):
        with file_server(answer) as server:
            result = fairlead("ls", *arguments[:-1], server.address, *arguments[-1:])
            self.received = server.received
            return result

    def test_names_that_are_none(self):
        for name in (b"", b".", b"..", b"../x", b"/etc/passwd", b"a/b", b"a\0b", b"\xff", b"\xc0\xae\xc0\xae",
                     b"\xed\xa0\x80", b"x" * 256, b"x" * 60000):
            with self.subTest(name[:20]):
                result = self.ls(lambda *_: (LISTING, page(entry(FILE, name))), "-r", ".")
                self.check(result, 1, "no name of a file")
                self.assertEqual(b"", result.out)

    def test_nothing_in_an_error_steers_the_terminal(self):
        result = self.ls(lambda *_: (LISTING, page(entry(FILE, b"/\x1b[2J\n\x07"))), ".")
        self.check(result, 1, "/\\x1b[2J\\n\\x07")
        result = self.ls(lambda *_: (ERROR, struct.pack(">I", 21) + b"\x1b[2J\nfairlead: fine"), ".")
        self.check(result, 1, "\\x1b[2J\\nfairlead: fine")

    def test_listings_without_end(self):
        same = page(entry(FILE, b"a"), more=True)
        for endless in same, page(more=True), page(entry(FILE, b"b"), entry(FILE, b"a")):
            self.check(self.ls(lambda *_: (LISTING, endless), "."), 1, "a listing that")

    def test_a_tree_without_end(self):
        result = self.ls(lambda *_: (LISTING, page(entry(DIRECTORY, b"d"))), "-r", ".")
        self.check(result, 63, "64 directories in each other")
        self.assertEqual(64, len(result.text.splitlines()))

    def test_malformed_answers(self):
        for payload in b"", b"\0\xff\xff", page(entry(3, b"fifo")), page(entry(FILE, b"a")) + b"rest":
            self.check(self.ls(lambda *_: (LISTING, payload), "."), 1, "LISTING")
        self.check(self.ls(lambda *_: (STATUS, b"\1"), "x"), 1, "STATUS")
        self.check(self.ls(lambda *_: (LISTING, page()), "x"), 1, "another question")
        self.check(self.ls(lambda *_: (LISTING, bytes(200_000)), "."), 1, "size limit")

    def test_a_silent_server(self):
        result = self.ls(lambda *_: None, "--timeout", "300ms", ".")
        self.check(result, 28, "not answered")
        result = self.ls(lambda *_: "nothing", "--timeout", "300ms", ".")
        self.check(result, 28, "not answered")
        self.assertEqual(1, self.received.count(PING))

    def test_an_end_before_the_end(self):
        def serve(reset):
            def answer(server, connection):
                receive_exactly(connection, len(PREFACE))
                connection.sendall(PREFACE + frame(HELLO, struct.pack(">HHI", 1, 64, 1 << 20) + b"\0\0\0"))
                while received_frame(connection)[0] != OPEN:
                    pass
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.close()
                else:
                    connection.shutdown(socket.SHUT_WR)
                    hold(connection)
            return answer
        for reset, words in (False, "before everything was listed"), (True, "reset"):
            with PlainServer(serve(reset)) as server:
                self.check(fairlead("ls", server.address), 56, words)

    def test_the_service_is_closed(self):
        self.check(self.ls(lambda *_: (CLOSE, struct.pack(">I", 17) + b"leaving"), "."), 56, "draining: leaving")

    def test_ctrl_c(self):
        listed = iter([(LISTING, page(entry(FILE, b"a"), more=True))])
        with file_server(lambda *_: next(listed, None)) as server:
            with subprocess.Popen([binary("fairlead"), "ls", server.address], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as client:
                self.assertEqual(b"a\n", client.stdout.readline())
                client.send_signal(signal.SIGINT)
                out, err = client.communicate(timeout=DEADLINE)
            self.assertEqual((130, b"", b""), (client.returncode, out, err))


if __name__ == "__main__":
    main()
