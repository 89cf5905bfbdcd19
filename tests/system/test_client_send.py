"""fairlead send, against plain servers that behave as those of the tutorials do, and against fairleadd: the right
text, the right exit code, and one line on stderr for each failure."""
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from support.client import ENVIRONMENT, PlainServer, deaf_port, fairlead, hold, reset, unused_port
from support.daemon import Daemon, binary
from support.peers import ERROR, GOAWAY, HELLO, PREFACE, frame, receive_exactly
from support.runner import main, release_only
from support.waiting import DEADLINE, wait_for


def answers(reply):
    """A tutorial's server: recv(1024), one answer, again until the client has gone."""
    def serve(server, connection):
        while data := connection.recv(1024):
            server.received.append(data)
            connection.sendall(reply)
        connection.close()
    return serve


class SendTest(unittest.TestCase):
    def check(self, result, code, text=None):
        lines = result.err.splitlines()
        if code in (0, 130):
            self.assertEqual(lines, [])
        else:
            self.assertEqual(len(lines), 1, result.err)
            self.assertTrue(lines[0].startswith("fairlead: "), lines[0])
        self.assertEqual(result.code, code, result.err)
        if text is not None:
            self.assertEqual(result.text, text)


class PlainServers(SendTest):
    def test_a_utf8_reply(self):
        with PlainServer(answers("好的,收到.".encode())) as server:
            self.check(fairlead("send", server.address, "你好,世界!!!"), 0, "好的,收到.\n")
            self.assertEqual(server.received, ["你好,世界!!!".encode()])

    def test_a_gbk_reply_is_recognised(self):
        with PlainServer(answers("好的,已经收到!~".encode("gbk"))) as server:
            self.check(fairlead("send", server.address, "你好"), 0, "好的,已经收到!~\n")

    def test_gbk_both_ways(self):
        with PlainServer(answers("好".encode("gbk"))) as server:
            self.check(fairlead("send", "-e", "gbk", server.address, "你好"), 0, "好\n")
            self.assertEqual(server.received, ["你好".encode("gbk")])

    def test_gb18030_writes_what_gbk_cannot(self):
        with PlainServer(answers("好😀".encode("gb18030"))) as server:
            self.check(fairlead("send", "-e", "gb18030", server.address, "😀"), 0, "好😀\n")
            self.assertEqual(server.received, ["😀".encode("gb18030")])
        self.check(fairlead("send", "-e", "gbk", server.address, "😀"), 2)

    def test_the_output_is_in_the_terminals_encoding(self):
        if "zh_CN.gbk" not in subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.split():
            locales = tempfile.TemporaryDirectory()
            self.addCleanup(locales.cleanup)
            made = subprocess.run(["localedef", "-f", "GBK", "-i", "zh_CN", f"{locales.name}/zh_CN.GBK"],
                                  capture_output=True)
            if made.returncode > 1:
                self.skipTest("no localedef, and no Chinese locale")
            environment = {"LOCPATH": locales.name}
        else:
            environment = {}
        with PlainServer(answers("好".encode())) as server:
            result = fairlead("send", server.address, "你".encode("gbk"),
                              environment={**environment, "LC_ALL": "zh_CN.GBK"})
            self.assertEqual((result.code, result.out), (0, "好\n".encode("gbk")))
            self.assertEqual(server.received, ["你".encode()])

    def test_greets_first_and_never_reads(self):
        def serve(_, connection):
            connection.sendall("成功连接服务器!".encode())
            while connection.recv(1024):
                pass
        with PlainServer(serve) as server:
            self.check(fairlead("send", server.address, "hi"), 0, "成功连接服务器!\n")

    def test_greets_first_and_then_answers(self):
        def serve(server, connection):
            connection.sendall("欢迎".encode())
            server.received.append(connection.recv(1024))
            connection.sendall("好的".encode())
            connection.close()
        with PlainServer(serve) as server:
            self.check(fairlead("send", "--greeting", server.address, "hi"), 0, "欢迎\n好的\n")
            self.assertEqual(server.received, [b"hi"])

    def test_closes_at_once(self):
        def serve(_, connection):
            connection.shutdown(socket.SHUT_WR)  # a close() would reset what the client had sent by then
            while connection.recv(1024):
                pass
        with PlainServer(serve) as server:
            self.check(fairlead("send", server.address, "hi"), 52, "")
        with PlainServer(lambda _, connection: connection.close()) as server:
            self.check(fairlead("send", "--greeting", server.address, "hi"), 52, "")

    def test_never_answers(self):
        with PlainServer(lambda _, connection: hold(connection)) as server:
            began = time.monotonic()
            self.check(fairlead("send", "-w", "300ms", "--no-shutdown", server.address, "hi"), 28, "")
            self.assertGreater(time.monotonic() - began, 0.29)

    def test_never_reads(self):
        stop = threading.Event()
        with PlainServer(lambda _, connection: stop.wait(DEADLINE)) as server:
            try:
                result = fairlead("send", "-w", "300ms", server.address, "-", stdin=b"x" * 15_000_000)
            finally:
                stop.set()
        self.check(result, 28, "")
        self.assertIn("did not take", result.err)

    def test_no_reply_leaves_a_server_that_stays(self):
        stop = threading.Event()
        def serve(server, connection):
            server.received.append(connection.recv(1024))
            stop.wait(DEADLINE)
        with PlainServer(serve) as server:
            self.check(fairlead("send", "--no-reply", server.address, "hi"), 0, "")
            stop.set()
            self.assertEqual(server.received, [b"hi"])

    def test_no_reply_is_no_excuse_for_a_message_that_is_not_taken(self):
        stop = threading.Event()
        with PlainServer(lambda _, connection: stop.wait(DEADLINE)) as server:
            result = fairlead("send", "--no-reply", "-w", "300ms", server.address, "-", stdin=b"x" * 15_000_000)
            stop.set()
        self.check(result, 28, "")

    def test_no_reply_takes_what_waits_in_a_kernel_for_no_delivery(self):
        with tempfile.TemporaryDirectory(prefix="fairlead-test-") as folder, socket.socket(socket.AF_UNIX) as server:
            path = os.path.join(folder, "socket")
            server.bind(path)
            server.listen()
            result = fairlead("send", "--no-reply", "-w", "300ms", f"unix:{path}", "hi")
            self.check(result, 28, "")
            self.assertIn("did not take", result.err)

            def read():
                connection, _ = server.accept()
                with connection:
                    hold(connection)
                connection, _ = server.accept()
                with connection:
                    self.assertEqual(b"hi", connection.recv(10))
                    connection.recv(10)
            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            self.check(fairlead("send", "--no-reply", f"unix:{path}", "hi"), 0, "")
            reader.join(DEADLINE)

    def test_prints_only(self):
        def serve(server, connection):
            server.received.append(connection.recv(1024))
            connection.close()
        with PlainServer(serve) as server:
            self.check(fairlead("send", server.address, "hi"), 52, "")
            self.check(fairlead("send", "--no-reply", server.address, "hi"), 0, "")
            self.assertEqual(server.received, [b"hi", b"hi"])

    def test_resets(self):
        def serve(_, connection):
            connection.recv(1024)
            reset(connection)
        with PlainServer(serve) as server:
            self.check(fairlead("send", server.address, "hi"), 56, "")

    def test_resets_in_the_middle_of_a_reply(self):
        def serve(_, connection):
            connection.recv(1024)
            connection.sendall("好的".encode())
            # The reset would overtake the text: until the client has read it.
            wait_for(lambda: unread(connection) == 0, "the client to take the text")
            reset(connection)
        def unread(connection):
            import fcntl
            import termios
            return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0]
        with PlainServer(serve) as server:
            self.check(fairlead("send", "--boundary", "line", server.address, "hi"), 56)

    def test_resets_while_we_send(self):
        def serve(_, connection):
            connection.recv(10)
            reset(connection)
        with PlainServer(serve) as server:
            self.check(fairlead("send", server.address, "-", stdin=b"x" * 15_000_000), 55, "")

    def test_no_reply_that_is_reset(self):
        def serve(_, connection):
            connection.recv(10)
            reset(connection)
        with PlainServer(serve) as server:
            self.check(fairlead("send", "--no-reply", server.address, "hi"), 55, "")

    def test_closes_in_the_middle_of_a_character(self):
        for encoding, torn in (("utf-8", 1), ("utf-8", 2), ("gbk", 1)):
            reply = "好的,收到".encode(encoding)[:-torn]
            def serve(_, connection, reply=reply):
                connection.recv(1024)
                connection.sendall(reply)
                connection.close()
            with PlainServer(serve) as server:
                self.check(fairlead("send", server.address, "hi"), 1, "好的,收\ufffd\n")

    def test_a_character_that_arrives_in_two_parts_is_whole(self):
        def serve(_, connection):
            connection.recv(1024)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in "收到\n".encode():
                connection.sendall(bytes([byte]))
            connection.recv(1024)
        with PlainServer(serve) as server:
            self.check(fairlead("send", server.address, "hi"), 0, "收到\n")

    def test_binary_reaches_a_pipe_as_it_is_and_never_a_terminal(self):
        with PlainServer(answers(b"\xff\x00\x1b[31m")) as server:
            result = fairlead("send", server.address, "hi")
            self.assertEqual((result.code, result.out), (0, b"\xff\x00\x1b[31m\n"))


class Replies(SendTest):
    def lines_server(self, *parts):
        """Sends the parts one by one, each when the one before has been taken, and holds the connection."""
        def serve(_, connection):
            connection.recv(1024)
            for part in parts:
                connection.sendall(part)
            connection.recv(1024)
        return PlainServer(serve)

    def test_a_newline_completes_a_reply(self):
        with self.lines_server(b"one\r\ntwo\n") as server:
            self.check(fairlead("send", "--no-shutdown", server.address, "x"), 0, "one\n")

    def test_an_empty_line_is_a_reply(self):
        with self.lines_server(b"\n") as server:
            self.check(fairlead("send", "--no-shutdown", server.address, "x"), 0, "\n")

    def test_a_silence_completes_a_reply(self):
        with self.lines_server(b"no newline") as server:
            self.check(fairlead("send", "--no-shutdown", server.address, "x"), 0, "no newline\n")

    def test_until(self):
        with self.lines_server(b"one\ntw", "o\n完more".encode()) as server:
            self.check(fairlead("send", "--no-shutdown", "--until", "完", server.address, "x"), 0, "one\ntwo\n完\n")

    def test_until_that_never_comes(self):
        with self.lines_server(b"one\n") as server:
            self.check(fairlead("send", "--no-shutdown", "-w", "300ms", "--until", "END", server.address, "x"), 28,
                       "one\n")
        with PlainServer(answers(b"one\n")) as server:
            self.check(fairlead("send", "--until", "END", server.address, "x"), 1, "one\n")

    def test_several_replies(self):
        with self.lines_server(b"one\ntwo\nthree\n") as server:
            self.check(fairlead("send", "--no-shutdown", "-n", "2", server.address, "x"), 0, "one\ntwo\n")
        with PlainServer(answers(b"one\n")) as server:
            self.check(fairlead("send", "-n", "2", server.address, "x"), 52, "one\n")

    def test_none_takes_everything_until_the_end(self):
        def serve(_, connection):
            connection.recv(1024)
            connection.sendall("第一行\n第二行".encode())
            connection.close()
        with PlainServer(serve) as server:
            self.check(fairlead("send", "--boundary", "none", server.address, "x"), 0, "第一行\n第二行\n")
            result = fairlead("send", "--boundary", "none", "--show", "raw", server.address, "x")
            self.assertEqual(result.out, "第一行\n第二行".encode())

    def test_lines_of_stdin_are_messages(self):
        def serve(server, connection):
            for line in connection.makefile("rb"):
                server.received.append(line)
                connection.sendall(line.upper())
            connection.close()
        with PlainServer(serve) as server:
            result = fairlead("send", "--boundary", "line", server.address, stdin=b"one\r\ntwo\n")
            self.check(result, 0, "ONE\nTWO\n")
            self.assertEqual(server.received, [b"one\n", b"two\n"])

    def test_stdin_that_cannot_be_read_is_told(self):
        result = fairlead("send", "127.0.0.1:1", "-", preexec=lambda: os.dup2(os.open("/", os.O_RDONLY), 0))
        self.check(result, 2, "")
        self.assertIn("stdin: cannot be read: Is a directory", result.err)

    def test_stdin_is_one_message(self):
        with PlainServer(answers(b"ok\n")) as server:
            self.check(fairlead("send", server.address, stdin=b"a\nb\n"), 0, "ok\n")
            self.assertEqual(server.received, [b"a\nb\n"])

    def test_words_are_joined(self):
        with PlainServer(answers(b"ok\n")) as server:
            self.check(fairlead("send", server.address, "--", "-a", "b"), 0, "ok\n")
            self.assertEqual(server.received, [b"-a b"])

    def test_forms(self):
        with PlainServer(answers("好\x1b\r\n".encode())) as server:
            result = fairlead("send", "--show", "raw,hex,json,text", server.address, "x")
            raw, hexadecimal, line, text = result.out.split(b"\n")[:4]
            self.assertEqual(raw, "好\x1b\r".encode())
            self.assertEqual(bytes.fromhex(hexadecimal.decode()), "好\x1b\r\n".encode())
            self.assertEqual(json.loads(line)["text"], "好\x1b")
            self.assertEqual(text, "好\x1b".encode())

    def test_hex(self):
        with PlainServer(answers(b"\xff\x00")) as server:
            self.check(fairlead("send", "-e", "hex", server.address, "de ad", "be:ef"), 0, "ff00\n")
            self.assertEqual(server.received, [b"\xde\xad\xbe\xef"])

    def test_shutdown_tells_the_server_unless_it_is_not_wanted(self):
        def serve(server, connection):
            connection.recv(1024)
            connection.settimeout(0.5)
            try:
                server.received.append(connection.recv(1024))
            except TimeoutError:
                server.received.append("nothing")
            connection.sendall(b"ok\n")
        with PlainServer(serve) as server:
            self.check(fairlead("send", server.address, "x"), 0, "ok\n")
            self.check(fairlead("send", "--no-shutdown", server.address, "x"), 0, "ok\n")
            self.assertEqual(server.received, [b"", "nothing"])


class Connecting(SendTest):
    def test_refused(self):
        self.check(fairlead("send", f"127.0.0.1:{unused_port()}", "x"), 7, "")

    def test_no_such_unix_socket(self):
        self.check(fairlead("send", "unix:/nonexistent/socket", "x"), 7, "")

    def test_a_name_that_is_none(self):
        self.check(fairlead("send", "no-such-host.invalid:1", "x"), 6, "")

    def test_a_server_that_never_accepts(self):
        with deaf_port() as port:
            self.check(fairlead("send", "--connect-timeout", "300ms", f"127.0.0.1:{port}", "x"), 28, "")

    def test_every_address_of_a_name_is_tried(self):
        with PlainServer(answers(b"v4\n")) as server:
            self.check(fairlead("send", f"localhost:{server.port}", "x"), 0, "v4\n")
            self.check(fairlead("send", "-4", f"localhost:{server.port}", "x"), 0, "v4\n")
            self.check(fairlead("send", "-6", f"[::1]:{server.port}", "x"), 7, "")
        with PlainServer(answers(b"v6\n"), host="::1") as server:
            self.check(fairlead("send", "-6", f"[::1]:{server.port}", "x"), 0, "v6\n")
            # Where the machine gives its own name both families, the refused one does not end the attempt.
            if any(found[4][0] == "::1" for found in socket.getaddrinfo("localhost", 0)):
                self.check(fairlead("send", f"localhost:{server.port}", "x"), 0, "v6\n")

    def test_source(self):
        def serve(_, connection):
            connection.recv(1024)
            connection.sendall(connection.getpeername()[0].encode() + b"\n")
            connection.close()
        with PlainServer(serve) as server:
            self.check(fairlead("send", "--source", "127.0.0.9", server.address, "x"), 0, "127.0.0.9\n")
            self.check(fairlead("send", "--source", "192.0.2.1", server.address, "x"), 7, "")

    @release_only  # a sanitizer needs descriptors of its own
    def test_too_few_descriptors_however_many_there_are(self):
        def with_few(descriptors, *words):
            return fairlead(*words, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors)))
        with PlainServer(answers(b"ok\n")) as server:
            for descriptors in range(4, 64):  # with fewer, no library can be loaded
                result = with_few(descriptors, "send", server.address, "x")
                if result.code == 0:
                    break
                self.check(result, 7, "")
                self.assertRegex(result.err, r": cannot [^\[]*: Too many open files; allow more [^\[]*\Z")
            self.check(result, 0, "ok\n")
            self.check(with_few(4, "ping", server.address), 3, "")

    def test_reconnect_until_there_is_a_server(self):
        port = unused_port()
        with subprocess.Popen([binary("fairlead"), "send", "--reconnect", f"127.0.0.1:{port}", "hi"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=ENVIRONMENT) as client:
            try:
                client.wait(0.5)
                self.fail(f"it gave up: {client.stderr.read()}")
            except subprocess.TimeoutExpired:
                pass
            with socket.create_server(("127.0.0.1", port)) as listener:
                listener.settimeout(DEADLINE)
                connection, _ = listener.accept()
                with connection:
                    self.assertEqual(connection.recv(1024), b"hi")
                    connection.sendall(b"at last\n")
                    out, err = client.communicate(timeout=DEADLINE)
            self.assertEqual((client.returncode, out, err), (0, b"at last\n", b""))

    def test_reconnect_so_many_times(self):
        began = time.monotonic()
        self.check(fairlead("send", "--reconnect", "--retries", "1", f"127.0.0.1:{unused_port()}", "x"), 7, "")
        self.assertGreater(time.monotonic() - began, 0.09)


class Ends(SendTest):
    def test_ctrl_c(self):
        with PlainServer(lambda server, connection: server.received.append(connection.recv(1024)) or
                         connection.recv(1024)) as server:
            with subprocess.Popen([binary("fairlead"), "send", "--no-shutdown", "-w", "0", server.address, "hi"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=ENVIRONMENT) as client:
                wait_for(lambda: server.received, "the message")
                client.send_signal(signal.SIGINT)
                out, err = client.communicate(timeout=DEADLINE)
                self.assertEqual((client.returncode, out, err), (130, b"", b""))

    def test_output_that_cannot_be_written(self):
        with PlainServer(answers(b"ok\n")) as server, open("/dev/full", "wb") as full:
            result = fairlead("send", server.address, "x", stdout=full)
            self.assertEqual(result.code, 23)
            self.assertEqual(len(result.err.splitlines()), 1)

    def test_a_message_above_every_limit(self):
        with PlainServer(answers(b"ok\n")) as server:
            self.check(fairlead("send", server.address, stdin=b"x" * (16 << 20)), 63, "")
            self.check(fairlead("send", "--boundary", "line", server.address, stdin=b"line\n" * (4 << 20)), 63, "")

    def test_a_reply_above_every_limit(self):
        def serve(_, connection):
            connection.recv(1024)
            connection.sendall(struct.pack(">I", 16 << 20))
            connection.recv(1024)
        with PlainServer(serve) as server:
            self.check(fairlead("send", "--protocol", "len32", server.address, "x"), 63, "")

    def test_a_len32_reply_that_is_cut_short(self):
        def serve(_, connection):
            connection.recv(1024)
            connection.sendall(struct.pack(">I", 100) + b"only this")
            connection.close()
        with PlainServer(serve) as server:
            self.check(fairlead("send", "--protocol", "len32", server.address, "x"), 56, "")

    def test_a_plain_server_does_not_speak_framed(self):
        with PlainServer(answers(b"what?\n")) as server:
            self.check(fairlead("send", "--protocol", "framed", server.address, "x"), 1, "")

    def test_a_framed_server_that_says_nothing(self):
        with PlainServer(lambda _, connection: [connection.recv(1024), connection.recv(1024)]) as server:
            self.check(fairlead("send", "--protocol", "framed", "--connect-timeout", "300ms", server.address, "x"),
                       28, "")

    def test_a_framed_server_that_turns_away(self):
        for number, code in ((14, 7), (11, 63), (12, 1), (17, 56)):
            def serve(_, connection, number=number):
                receive_exactly(connection, len(PREFACE))
                connection.sendall(PREFACE + frame(ERROR, struct.pack(">I", number) + b"no"))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1024):
                    pass
            with PlainServer(serve) as server:
                self.check(fairlead("send", "--protocol", "framed", server.address, "x"), code, "")

    def test_a_framed_server_that_goes_away(self):
        hello = struct.pack(">HHI", 1, 1, 1000) + b"\0\0\0"
        def serve(_, connection):
            connection.sendall(PREFACE + frame(HELLO, hello))
            connection.recv(1024)
            connection.sendall(frame(GOAWAY, struct.pack(">II", 0, 17) + b"stopping"))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1024):
                pass
        with PlainServer(serve) as server:
            result = fairlead("send", "--protocol", "framed", server.address, "x")
            self.check(result, 56, "")
            self.assertIn("draining: stopping", result.err)

    def test_what_a_framed_server_says_cannot_steer_the_terminal(self):
        def serve(_, connection):
            receive_exactly(connection, len(PREFACE))
            connection.sendall(PREFACE + frame(ERROR, struct.pack(">I", 17) + b"\x1b[31m\nred"))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1024):
                pass
        with PlainServer(serve) as server:
            result = fairlead("send", "--protocol", "framed", server.address, "x")
            self.check(result, 56)
            self.assertNotIn("\x1b", result.err)


class Usage(SendTest):
    def test_wrong_command_lines(self):
        for words in ([], ["sned"], ["send"], ["send", "--nonsense", "h"], ["send", "7878", "x"], ["-x", "send"],
                      ["send", "-n", "0", "h:1", "x"], ["send", "-w", "soon", "h:1", "x"], ["help", "sned"],
                      ["send", "-e", "ebcdic", "h:1", "x"], ["send", "--service", "a", "h:1", "x"],
                      ["send", "-e", "hex", "h:1", "xyz"], ["send", "h:1"], ["send", "h:1", ""],
                      ["send", "--protocol", "framed", "-e", "gbk", "h:1", "x"], ["term", "h:1", "x"]):
            with self.subTest(words):
                self.check(fairlead(*words), 2, "")

    def test_the_nearest_command(self):
        self.assertIn('did you mean "send"?', fairlead("sedn").err)
        self.assertIn('did you mean "ping"?', fairlead("pnig").err)

    def test_help_is_data(self):
        for words in (["--help"], ["-h"], ["help"]):
            result = fairlead(*words)
            self.check(result, 0)
            for command in ("send", "term", "ping"):
                self.assertIn(command, result.text)
        for command in ("send", "term", "ping"):
            result = fairlead("help", command)
            self.check(result, 0)
            self.assertTrue(result.text.startswith(f"Usage: fairlead {command} "), result.text)
            self.assertEqual(fairlead(command, "--help").text, result.text)
        self.assertRegex(fairlead("--version").text, r"^fairlead \d+\.\d+\.\d+\nbuild: .*\nlibraries: .*\n$")

    def test_a_message_may_look_like_an_option(self):
        with PlainServer(answers(b"ok\n")) as server:
            self.check(fairlead("send", server.address, "--", "--help"), 0, "ok\n")


CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
services = echo, shout
[listener.socket]
bind = unix:{directory}/socket
service = echo
[limits]
max_message = 1000
[service.echo]
type = echo
[service.shout]
type = reply
text = <{{text}}>
greeting = hello
"""


class AgainstFairleadd(SendTest):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.daemon = cls.enterClassContext(Daemon(CONFIG.format(directory=directory.name)))
        cls.address = "127.0.0.1:%d" % cls.daemon.address()[1]
        cls.socket = f"unix:{directory.name}/socket"

    def test_all_protocols(self):
        for protocol in ("text", "len32", "framed"):
            self.check(fairlead("send", "--protocol", protocol, self.address, "你好"), 0, "你好\n")

    def test_a_unix_socket(self):
        self.check(fairlead("send", self.socket, "你好"), 0, "你好\n")

    def test_a_service(self):
        framed = ("send", "--protocol", "framed")
        self.check(fairlead(*framed, "--service", "shout", self.address, "x"), 0, "<x>\n")
        self.check(fairlead(*framed, "--service", "shout", "--greeting", self.address, "x"), 0, "hello\n<x>\n")
        self.check(fairlead(*framed, "--service", "whisper", self.address, "x"), 1, "")

    def test_a_message_above_the_servers_limit_is_not_sent(self):
        result = fairlead("send", "--protocol", "framed", self.address, "x" * 1001)
        self.check(result, 63, "")
        self.assertIn("1000", result.err)

    def test_the_server_gets_the_end_in_order(self):
        before = len(self.daemon.sessions())
        self.check(fairlead("send", "--no-reply", self.address, "x"), 0, "")
        self.assertEqual(self.daemon.sessions(before + 1)[-1]["reason"], "peer_closed")


if __name__ == "__main__":
    main()
