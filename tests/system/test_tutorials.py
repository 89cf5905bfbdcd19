"""Every client of the tutorials at every one of their servers, alone and all at once."""
import collections
import pathlib
import tempfile
import threading
import unittest

from support import tutorials
from support.peers import exchange, receive_until_end
from support.runner import main
from support.tutorials import CLIENTS, LISTENERS, SAYS, Waits
from support.waiting import DEADLINE, wait_for

OUR_FAULT = {"internal_error", "none", "protocol_error", "message_timeout", "write_timeout"}


class Tutorials(unittest.TestCase):
    own_ports = False

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fairlead-files-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.daemon = self.enterContext(tutorials.start(self.folder, own_ports=self.own_ports))
        tutorials.note_silent_addresses(self.daemon)

    def address(self, port):
        return self.daemon.address(LISTENERS[port])

    def visit(self, kind, port, meet=lambda: None):
        """One visit; its name when everything was as it should be."""
        wanted = tutorials.expected(kind, port)
        try:
            seen = CLIENTS[kind](self.address(port), meet)
        except Waits as waited:
            self.assertIs(wanted, Waits, f"{kind} at {port} was sent nothing")
            return waited.args[0]
        self.assertEqual(wanted, seen.received, f"{kind} at {port}")
        return seen.name

    def check_transcript(self, wanted):
        """Exactly these lines, in any order: the visits are concurrent."""
        wanted = collections.Counter(wanted)
        wait_for(lambda: len(self.daemon.stdout_lines()) >= wanted.total(), "the transcript")
        self.assertEqual(wanted, collections.Counter(self.daemon.stdout_lines()))

    def check_sessions(self, count):
        sessions = self.daemon.sessions(count)
        self.assertEqual(count, len(sessions))
        self.assertEqual(set(), {session["reason"] for session in sessions} & OUR_FAULT)
        wrong = [event for event in self.daemon.events() if event["level"] in ("warn", "error")]
        self.assertEqual([], wrong)

    def test_each_client_at_each_server(self):
        lines, visits = [], 0
        for port in LISTENERS:
            for kind in CLIENTS:
                with self.subTest(client=kind, port=port):
                    name = self.visit(kind, port)
                    visits += 1
                    session = self.daemon.session_of(name, LISTENERS[port])
                    self.assertNotIn(session["reason"], OUR_FAULT)
                    # In order: nobody else is there.
                    here = tutorials.transcript(kind, port, name)
                    lines += here
                    wait_for(lambda: len(self.daemon.stdout_lines()) >= len(lines), f"the transcript of {kind}")
                    self.assertEqual(here, self.daemon.stdout_lines()[len(lines) - len(here):])
                    self.assertTrue(self.daemon.is_running())
        self.assertEqual(lines, self.daemon.stdout_lines())
        self.check_sessions(visits)

    def test_a_hundred_of_each_client_at_once(self):
        visits = [(kind, list(LISTENERS)[i % len(LISTENERS)]) for kind in CLIENTS for i in range(100)]
        all_connected = threading.Barrier(len(visits), timeout=DEADLINE)
        names, failures = {}, []

        def visitor(number, kind, port):
            try:
                names[number] = self.visit(kind, port, all_connected.wait)
            except BaseException as failure:
                failures.append(f"{kind} at {port}: {failure!r}")
                all_connected.abort()

        threading.stack_size(256 * 1024)
        threads = [threading.Thread(target=visitor, args=(i, *visit)) for i, visit in enumerate(visits)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
        self.assertEqual([], failures)
        self.check_sessions(len(visits))
        self.check_transcript(line for i, visit in enumerate(visits)
                              for line in tutorials.transcript(*visit, names[i]))

    def test_a_message_loop_answers_each_message_of_one_client(self):
        for port, reply in ((7790, b"haha"), (8081, "好的,收到.".encode()), (7878, "好的,收到.".encode())):
            with self.daemon.connect(LISTENERS[port]) as client:
                for _ in range(5):
                    client.send("你好吗?".encode())
                    self.assertEqual(reply, client.recv(1024))

    def test_a_single_answer_is_followed_by_the_end(self):
        for port, reply in ((7789, b"hello"), (8989, "ok, 问题正在处理中...".encode()), (2023, b"")):
            with self.daemon.connect(LISTENERS[port]) as client:
                client.send(b"x")
                self.assertEqual(reply, receive_until_end(client))
                name = client.getsockname()
            self.assertEqual("close_after", self.daemon.session_of(name, LISTENERS[port])["reason"])

    def test_the_sizes_and_bytes_of_the_table(self):
        self.assertEqual("bac3b5c42cd2d1beadcad5b5bd217e",
                         exchange(self.address(7788), "测试".encode("gbk")).hex())
        self.assertEqual(14, len(exchange(self.address(8081), b"x")))
        self.assertEqual(22, len(exchange(self.address(8888), b"x")))
        self.assertEqual(28, len(exchange(self.address(8989), b"x")))
        self.assertEqual((27, 16, 38), tuple(len(text.encode()) for text in
                                             (tutorials.LAUGH, tutorials.WORLD, tutorials.MING)))

    def test_the_undecided_client_of_7788_is_answered_in_gbk(self):
        for text in (tutorials.WORLD.encode(), b"hello"):
            self.assertEqual("好的,已经收到!~".encode("gbk"), exchange(self.address(7788), text))

    def test_the_downloader_saves_the_whole_file(self):
        saved = self.folder / ("接收" + tutorials.FILE_NAME)
        seen = tutorials.downloader(self.address(8080), lambda: None, self.folder)
        self.assertEqual(tutorials.FILE, saved.read_bytes())
        self.daemon.session_of(seen.name, "download")
        self.assertEqual("", self.daemon.stdout())


class PromptingClient(unittest.TestCase):
    """The one program that is run as a program, because it asks questions."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fairlead-files-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_reads_what_is_answered_in_its_own_encoding(self):
        with tutorials.start(self.folder, own_ports=False) as daemon:
            replies = {7878: "好的,收到.", 7788: "好的,已经收到!~", 7789: "hello", 7790: "haha", 2023: "", 8080: ""}
            for port, reply in replies.items():
                self.assertEqual(reply, tutorials.prompting_program(daemon.address(LISTENERS[port])))
            self.assertIn(f"收到数据:{tutorials.TYPED}", daemon.stdout_lines())

    def test_cannot_read_replies_in_utf8(self):
        """Documented: three servers of the tutorials answer in UTF-8 whatever the client speaks."""
        with tutorials.start(self.folder, own_ports=False) as daemon:
            for name in ("greeter", "measured"):
                with self.assertRaises(UnicodeError):
                    tutorials.prompting_program(daemon.address(name))
            # These bytes happen to be GBK too, of other characters.
            self.assertEqual("好的,收到.".encode("utf-8").decode("gbk"),
                             tutorials.prompting_program(daemon.address("loop")))
            self.assertEqual("好的,收到.", tutorials.prompting_program(daemon.address("first")))

    def test_reads_them_once_the_service_encodes_gbk(self):
        gbk = [word for name in ("loop", "greeter", "measured")
               for word in ("--set", f"service.{name}.encode=gbk")]
        with tutorials.start(self.folder, own_ports=False, arguments=gbk) as daemon:
            for name, text in (("loop", "好的,收到."), ("greeter", "成功连接服务器!"),
                               ("measured", "ok, 问题正在处理中...")):
                self.assertEqual(text, tutorials.prompting_program(daemon.address(name)))


if __name__ == "__main__":
    main()
