"""fairlead term: in a terminal (tmux), and with pipes."""
import contextlib
import queue
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

from support.client import ENVIRONMENT, PlainServer, fairlead, hold, unused_port
from support.daemon import Daemon, binary
from support.runner import main
from support.screen import HAVE_TMUX, Screen
from support.waiting import DEADLINE, wait_for

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
services = echo
[service.echo]
type = echo
boundary = line
"""


class Peer:
    """A server that does what the test says, when it says so: one connection at a time."""

    def __init__(self):
        self._connections = queue.Queue()
        self._server = PlainServer(lambda _, connection: (self._connections.put(connection), self._read(connection)))
        self.received = queue.Queue()
        self._resetting = threading.Event()

    def _read(self, connection):
        # Looks up now and then: a socket that another thread waits on is not really closed by close().
        connection.settimeout(0.02)
        while not self._resetting.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError):
                data = connection.recv(65536)
                self.received.put(data)
                if not data:
                    return
        self._resetting.clear()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        self.received.put(b"")

    def __enter__(self):
        self._server.__enter__()
        self.address, self.port = self._server.address, self._server.port
        return self

    def __exit__(self, *failure):
        self._server.__exit__(*failure)

    def accept(self):
        self._connection = self._connections.get(timeout=DEADLINE)
        return self

    def say(self, text, encoding="utf-8"):
        self._connection.sendall(text.encode(encoding))

    def end(self):
        self._connection.shutdown(socket.SHUT_WR)

    def reset(self):
        self._resetting.set()

    def hears(self):
        return self.received.get(timeout=DEADLINE).decode("utf-8", "backslashreplace")


@unittest.skipUnless(HAVE_TMUX, "no tmux")
class InATerminal(unittest.TestCase):
    def open(self, peer, **options):
        screen = self.enterContext(Screen("term", peer.address, **options))
        peer.accept()
        screen.wait_for_line(">")
        return screen

    def setUp(self):
        self.peer = self.enterContext(Peer())

    def test_both_ways_at_once(self):
        screen = self.open(self.peer)
        screen.type("你好,世界")
        screen.press("Enter")
        self.assertEqual(self.peer.hears(), "你好,世界\n")
        self.peer.say("收到\n")
        screen.wait_for_text("收到\n>")
        self.assertEqual(screen.lines()[:3], [f"-- connected to {self.peer.address}", "> 你好,世界", "收到"])

    def test_what_the_server_says_first_is_shown(self):
        screen = self.open(self.peer)
        self.peer.say("成功连接服务器!")  # no newline: after a short silence
        screen.wait_for_text("成功连接服务器!\n>")

    def test_chinese_is_edited_by_character_and_column(self):
        screen = self.open(self.peer)
        screen.type("一二三四五")
        screen.wait_for_cursor(12, "> 一二三四五")
        screen.press("Left")
        screen.wait_for_cursor(10, "> 一二三四五")
        screen.press("BSpace")
        screen.wait_for_cursor(8, "> 一二三五")
        screen.press("Home")
        screen.wait_for_cursor(2, "> 一二三五")
        screen.press("Delete")
        screen.wait_for_cursor(2, "> 二三五")
        screen.type("始a")
        screen.wait_for_cursor(5, "> 始a二三五")
        screen.press("Right")
        screen.wait_for_cursor(7, "> 始a二三五")
        screen.paste("粘贴的文字")
        screen.wait_for_cursor(17, "> 始a二粘贴的文字三五")
        screen.press("End")
        screen.wait_for_cursor(21, "> 始a二粘贴的文字三五")
        screen.press("BSpace", "BSpace")
        screen.press("Enter")
        self.assertEqual(self.peer.hears(), "始a二粘贴的文字\n")

    def test_messages_do_not_break_the_line_that_is_typed(self):
        screen = self.open(self.peer)
        typed = ""
        for number, character in enumerate("打字的时候消息也会到来"):
            typed += character
            screen.type(character)
            self.peer.say(f"消息 {number}\n")
            screen.wait_for_text(f"消息 {number}\n> ")
        screen.wait_for_cursor(2 + 2 * len(typed), "> " + typed)
        screen.press("Left", "Left", "BSpace")
        self.peer.say("又一个\n")
        screen.wait_for_text("又一个\n> ")
        screen.wait_for_cursor(2 + 2 * (len(typed) - 3), "> " + typed[:-3] + typed[-2:])
        self.assertEqual(screen.lines()[1:-1], [f"消息 {number}" for number in range(len(typed))] + ["又一个"])
        screen.press("Enter")
        self.assertEqual(self.peer.hears(), typed[:-3] + typed[-2:] + "\n")

    def test_messages_do_not_break_a_line_of_several_rows(self):
        screen = self.open(self.peer, columns=21)
        typed = "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸子丑寅卯"
        screen.type(typed)
        # 21 columns: a wide character that does not fit into the last one begins the next row.
        rows = ["> 一二三四五六七八九", "十甲乙丙丁戊己庚辛壬", "癸子丑寅卯"]
        screen.wait_for_text("\n".join(rows))
        screen.press("Home")
        self.peer.say("来自上方\n")
        screen.wait_for_text("\n".join(["来自上方", *rows]))
        screen.press("End")
        screen.wait_for_cursor(10, rows[-1])
        self.peer.say("再来一次\n")
        screen.wait_for_text("\n".join(["来自上方", "再来一次", *rows]))
        screen.wait_for_cursor(10, rows[-1])
        screen.press("Enter")
        self.assertEqual(self.peer.hears(), typed + "\n")

    def test_resize(self):
        screen = self.open(self.peer, columns=60)
        typed = "一二三四五六七八九十甲乙丙丁"
        screen.type(typed)
        screen.wait_for_line("> " + typed)
        screen.resize(20, 20)
        screen.wait_for_line("十甲乙丙丁")
        self.assertEqual(screen.lines()[-2], "> 一二三四五六七八九")
        screen.type("加")
        screen.wait_for_cursor(12, "十甲乙丙丁加")
        self.peer.say("消息\n")
        screen.wait_for_text("消息\n> 一二三四五六七八九\n十甲乙丙丁加")
        screen.resize(60, 20)
        screen.wait_for_line("> " + typed + "加")
        self.peer.say("又\n")
        screen.wait_for_text("又\n> " + typed + "加")
        screen.press("Enter")
        self.assertEqual(self.peer.hears(), typed + "加\n")
        self.assertEqual([line for line in screen.lines() if line.startswith("> 一")], ["> " + typed + "加"])

    def test_history_is_kept_beyond_the_end(self):
        with tempfile.TemporaryDirectory() as state:
            for first in (True, False):
                with Screen("term", self.peer.address, environment={"XDG_STATE_HOME": state}) as screen:
                    self.peer.accept()
                    screen.wait_for_line(">")
                    if first:
                        for line in ("第一句", " 不记住", "第二句"):
                            screen.type(line)
                            screen.press("Enter")
                            self.assertEqual(self.peer.hears(), line + "\n")
                    screen.wait_for_line(">")
                    screen.press("Up")
                    screen.wait_for_cursor(8, "> 第二句")
                    screen.press("Up")
                    screen.wait_for_cursor(8, "> 第一句")
                    screen.press("Down")
                    screen.wait_for_cursor(8, "> 第二句")
                    screen.press("C-c")
                    screen.wait_for_line("exit=130")
                    self.assertEqual(self.peer.hears(), "")
                    kept = screen.state / "fairlead" / "history"
                    self.assertEqual(kept.stat().st_mode & 0o777, 0o600)

    def test_the_end_of_the_connection_is_told(self):
        screen = self.open(self.peer)
        screen.type("未完")
        screen.wait_for_line("> 未完")
        self.peer.end()
        screen.wait_for_line("exit=0")
        self.assertEqual(screen.lines()[1:], ["-- the server ended the connection", "> 未完", "exit=0"])

    def test_a_reset_is_told(self):
        screen = self.open(self.peer, columns=120)
        self.peer.reset()
        screen.wait_for_line("exit=56")
        self.assertIn(f"fairlead: {self.peer.address}: the server reset the connection", screen.text())

    def test_ctrl_d_ends_the_input_and_the_rest_still_comes(self):
        screen = self.open(self.peer)
        screen.press("C-d")
        self.assertEqual(self.peer.hears(), "")
        self.peer.say("再见\n")
        screen.wait_for_text("再见")
        self.peer.end()
        screen.wait_for_line("exit=0")

    def test_nothing_of_the_server_steers_the_terminal(self):
        screen = self.open(self.peer)
        self.peer.say("\x1b[2J\x1b]0;title\x07红\x1b[31m\r\n")
        screen.wait_for_text("\\x1b[2J\\x1b]0;title\\x07红\\x1b[31m\n>")

    def test_gbk_both_ways(self):
        screen = self.enterContext(Screen("term", "-e", "gbk", self.peer.address))
        self.peer.accept()
        screen.wait_for_line(">")
        screen.type("你好")
        screen.press("Enter")
        self.assertEqual(self.peer.received.get(timeout=DEADLINE), "你好\n".encode("gbk"))
        self.peer.say("好的\n", "gbk")
        screen.wait_for_text("好的\n>")
        screen.type("😀")
        screen.press("Enter")
        screen.wait_for_text("not sent")

    def test_reconnect(self):
        screen = self.enterContext(Screen("term", "--reconnect", self.peer.address, columns=150))
        self.peer.accept()
        screen.wait_for_line(">")
        screen.type("还在")
        self.peer.reset()
        self.assertEqual(self.peer.hears(), "")
        screen.wait_for_text("-- connection lost: the server reset the connection")
        self.peer.accept()
        screen.wait_for_text(f"-- connected to {self.peer.address}\n> 还在")
        screen.press("Enter")
        self.assertEqual(self.peer.hears(), "还在\n")

    def test_ctrl_z_and_back(self):
        screen = self.enterContext(Screen("term", self.peer.address, in_shell=True))
        self.peer.accept()
        screen.wait_for_line(">")
        screen.type("一二三")
        screen.wait_for_line("> 一二三")
        screen.press("C-z")
        screen.wait_for_line("shell:")
        screen.type("fg")
        screen.press("Enter")
        screen.wait_for_cursor(8, "> 一二三")
        screen.press("Left", "BSpace")
        screen.wait_for_cursor(4, "> 一三")
        self.peer.say("消息\n")
        screen.wait_for_text("消息\n> 一三")
        screen.press("Enter")
        self.assertEqual(self.peer.hears(), "一三\n")

    def test_refused(self):
        with Screen("term", f"127.0.0.1:{unused_port()}", columns=120) as screen:
            screen.wait_for_line("exit=7")
            self.assertEqual(len(screen.lines()), 2)

    def test_the_tutorials_prompts(self):
        for language, ip, port, text in (
                ("zh_CN.UTF-8", "请输入服务端的ip:", "请输入服务端的端口:", "请输入要发送的内容:"),
                ("en_US.UTF-8", "server's ip:", "server's port:", "text to send:")):
            with Screen("term", environment={"LC_ALL": "", "LANG": language}) as screen:
                screen.wait_for_line(ip)
                screen.type("127.0.0.1")
                screen.press("Enter")
                screen.wait_for_line(port)
                screen.type(f"{self.peer.port}9")
                screen.press("BSpace", "Enter")
                self.peer.accept()
                screen.wait_for_line(text)
                screen.type("你好")
                screen.press("Enter")
                self.assertEqual(self.peer.hears(), "你好")
                self.peer.say("好的,已经收到!~", "gbk")
                screen.wait_for_text("好的,已经收到!~\n" + text)
                screen.press("C-c")
                screen.wait_for_line("exit=130")
                self.assertEqual(self.peer.hears(), "")

    def test_send_asks_for_its_message(self):
        with Screen("send", self.peer.address, environment={"LC_ALL": "", "LANG": "zh_CN.UTF-8"}) as screen:
            screen.wait_for_line("请输入要发送的内容:")
            screen.type("你好呀")
            screen.press("BSpace", "Enter")
            self.peer.accept()
            self.assertEqual(self.peer.hears(), "你好")
            self.peer.say("\x1b好\n")
            screen.wait_for_text("\\x1b好\nexit=0")
        with Screen("send", self.peer.address) as screen:
            screen.wait_for_line("text to send:")
            screen.press("C-c")
            screen.wait_for_line("exit=130")

    def test_plain_moves_no_cursor(self):
        with Screen("term", "--plain", self.peer.address) as screen:
            self.peer.accept()
            screen.wait_for_text("connected")
            screen.type("abc")
            screen.wait_for_line("abc")
            self.peer.say("消息\n")
            screen.wait_for_text("abc消息")
            screen.press("Enter")
            self.assertEqual(self.peer.hears(), "abc\n")


class WithPipes(unittest.TestCase):
    def test_lines_in_and_lines_out(self):
        with Daemon(CONFIG) as daemon:
            address = "127.0.0.1:%d" % daemon.address()[1]
            lines = "".join(f"第 {number} 行\n" for number in range(2000))
            for protocol in ("text", "len32", "framed"):
                result = fairlead("term", "--protocol", protocol, address, stdin=lines.encode())
                self.assertEqual((result.code, result.err), (0, ""), protocol)
                self.assertEqual(result.text, lines)

    def test_more_than_the_connection_holds(self):
        with Daemon(CONFIG) as daemon:
            lines = b"".join(b"%07d" % number + b"x" * 1000 + b"\n" for number in range(20000))
            result = fairlead("term", "127.0.0.1:%d" % daemon.address()[1], stdin=lines)
            self.assertEqual((result.code, result.err), (0, ""))
            self.assertEqual(result.out, lines)

    def test_the_end_by_the_server_is_told(self):
        def serve(_, connection):
            connection.sendall(b"bye\n")
            connection.close()
        with PlainServer(serve) as server:
            with subprocess.Popen([binary("fairlead"), "term", server.address], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as client:
                self.assertEqual(client.wait(DEADLINE), 0)
                self.assertEqual(client.stdout.read(), b"bye\n")
                self.assertEqual(client.stderr.read(), b"-- the server ended the connection\n")

    def test_a_server_that_does_not_end_is_left_after_a_silence(self):
        stop = threading.Event()
        def serve(_, connection):
            connection.sendall("好".encode())
            stop.wait(DEADLINE)
        with PlainServer(serve) as server:
            result = fairlead("term", "-w", "300ms", server.address, stdin=b"x\n")
            stop.set()
            self.assertEqual((result.code, result.text, result.err), (0, "好\n", ""))

    def test_exit_codes(self):
        def reset_after_a_line(_, connection):
            connection.recv(1024)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        def answer(_, connection):
            connection.sendall(b"hello\n")
            hold(connection)
        def too_big(_, connection):
            connection.sendall(b"\xff\0\0\0")
            hold(connection)
        def deaf(_, connection):
            connection.recv(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        def silent(_, connection):
            hold(connection)
        for serve, code, options, stdin in (
                (reset_after_a_line, 56, ["--no-shutdown"], b"x\n"),
                (answer, 1, ["--protocol", "framed"], b""),
                (too_big, 63, ["--protocol", "len32"], b""),
                (deaf, 55, [], b"x" * 12_000_000 + b"\n"),
                (silent, 28, ["--protocol", "framed", "--connect-timeout", "200ms"], b"")):
            with self.subTest(code=code), PlainServer(serve) as server:
                result = fairlead("term", *options, server.address, stdin=stdin)
                self.assertEqual((result.code, len(result.err.splitlines())), (code, 1), result.err)
        for words, code in ((["h:1", "x"], 2), (["no-such-host.invalid"], 6), ([f"127.0.0.1:{unused_port()}"], 7)):
            result = fairlead("term", *words, stdin=b"")
            self.assertEqual((result.code, len(result.err.splitlines())), (code, 1), result.err)
        with PlainServer(answer) as server, open("/dev/full", "wb") as full:
            result = fairlead("term", server.address, stdin=b"", stdout=full)
            self.assertEqual((result.code, len(result.err.splitlines())), (23, 1), result.err)

    def test_ctrl_c(self):
        with Peer() as peer:
            with subprocess.Popen([binary("fairlead"), "term", peer.address], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as client:
                peer.accept().say("hello\n")
                self.assertEqual(client.stdout.readline(), b"hello\n")
                client.send_signal(signal.SIGINT)
                out, err = client.communicate(timeout=DEADLINE)
                self.assertEqual((client.returncode, out, err), (130, b"", b""))

    def test_asks_in_its_input_too(self):
        with Peer() as peer:
            thread = threading.Thread(target=lambda: peer.accept())
            thread.start()
            result = fairlead("term", "-w", "200ms", stdin=f"127.0.0.1\n{peer.port}\n你好\n".encode())
            thread.join(DEADLINE)
            self.assertEqual((result.code, result.err, peer.hears()), (0, "", "你好"))


if __name__ == "__main__":
    main()
