"""What a listener speaks, over real sockets: detection, the three protocols, endings, and the kinds of addresses."""
import pathlib
import socket
import ssl
import stat
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from support.daemon import Daemon, connect
from support.peers import CLOSE, CLOSE_AFTER, ERROR, Framed, GOAWAY, MESSAGE, NO_SUCH_CHANNEL, NO_SUCH_FILE, OPENED, \
    PING, PONG, PREFACE, PROTOCOL_ERROR, REPLY, TOO_MANY_CHANNELS, UNKNOWN_SERVICE, exchange, frame, len32, reason_of, \
    receive_exactly, receive_len32, receive_until_end
from support.runner import main

SERVICES = """
[service.echo]
type = echo
[service.lines]
type = echo
boundary = line
[service.chunks]
type = reply
boundary = chunk
chunk = 16
pause = 5s
text = <{text}>
[service.pauses]
type = reply
boundary = auto
chunk = 16
text = <{text}>
[service.patient]
type = reply
pause = 1m
text = <{text}>
[service.once]
type = echo
close_after = 1
[service.greeter]
type = reply
greeting = 欢迎!
text = 好
[service.gbk_greeter]
type = reply
greeting = 欢迎!
encode = gbk
text = 好
[service.drop]
type = discard
"""


def listeners(**services):
    """`name=service` or `name="protocol service"`: one listener each at a port of its own."""
    text = SERVICES
    for name, words in services.items():
        *protocol, service = words.split()
        text += f"[listener.{name}]\nbind = 127.0.0.1:0\nservice = {service}\n"
        text += f"protocol = {protocol[0]}\n" if protocol else ""
    return text


class ProtocolTest(unittest.TestCase):
    def start(self, config="", **services):
        self.daemon = self.enterContext(Daemon(listeners(**services) + config))
        return self.daemon

    def connect(self, listener="main"):
        client = self.daemon.connect(listener)
        self.addCleanup(client.close)
        return client

    def framed(self, listener="main"):
        return self.enterContext(Framed(self.daemon.connect(listener)))


class Detection(ProtocolTest):
    def setUp(self):
        self.start(main="echo")

    def protocol_of(self, client):
        peer = client.getsockname()
        client.close()
        return self.daemon.session_of(peer)["protocol"]

    def test_text_len32_and_framed_at_one_port(self):
        text, counted = self.connect(), self.connect()
        framed = self.framed()
        text.sendall(b"hello\r\n")
        self.assertEqual(b"hello\r\n", text.recv(100))
        counted.sendall(len32(b"hello"))
        self.assertEqual(b"hello", receive_len32(counted))
        self.assertEqual(b"hello", framed.ask(b"hello"))
        self.assertEqual(["text", "len32", "framed"],
                         [self.protocol_of(client) for client in (text, counted, framed.socket)])

    def test_decides_at_the_earliest_byte(self):
        """Nothing is waited for that is not needed: the first byte of a length, the fourth of a preface."""
        framed = self.connect()
        framed.sendall(PREFACE[:4])
        self.assertEqual(PREFACE, receive_exactly(framed, 8))
        self.assertEqual("framed", self.protocol_of(framed))
        counted = self.connect()
        counted.sendall(b"\0")
        self.assertEqual("len32", self.protocol_of(counted))

    def test_byte_by_byte(self):
        for sent, protocol in ((b"\xffFLx\n", "text"), (b"\xffFF\n", "text"), (b"\x16\x04\n", "text"),
                               (len32(b"abc"), "len32"), (PREFACE + frame(PING, b"p", request_id=1), "framed")):
            client = self.connect()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in sent:
                client.sendall(bytes([byte]))
            client.shutdown(socket.SHUT_WR)
            received = receive_until_end(client)
            if protocol == "framed":
                self.assertTrue(received.startswith(PREFACE) and received.endswith(frame(PONG, b"p", request_id=1)))
            else:
                self.assertEqual(sent, received)
            self.assertEqual(protocol, self.protocol_of(client))

    def test_an_undecided_prefix_becomes_text_after_a_pause(self):
        for prefix in (b"\xff", b"\xffF", b"\xffFL", b"\x16"):
            client = self.connect()
            client.sendall(prefix)
            self.assertEqual(prefix, client.recv(10))
            self.assertEqual("text", self.protocol_of(client))

    def test_an_undecided_prefix_becomes_text_at_the_end(self):
        for prefix in (b"\xff", b"\xffF", b"\xffFL", b"\x16"):
            self.assertEqual(prefix, exchange(self.daemon.address(), prefix))

    def test_a_tls_client_gets_an_alert_and_the_end(self):
        alert = bytes.fromhex("15030300020228")
        client = self.connect()
        client.sendall(bytes.fromhex("1603010200010001fc0303") + bytes(508))
        self.assertEqual(alert, receive_until_end(client))
        peer = client.getsockname()
        client.close()
        self.assertEqual("protocol_error", self.daemon.session_of(peer)["reason"])

    def test_a_real_tls_client_reports_a_handshake_failure(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with self.daemon.connect() as client, self.assertRaises(ssl.SSLError) as failure:
            context.wrap_socket(client)
        self.assertIn("HANDSHAKE_FAILURE", failure.exception.reason)

    def test_a_client_that_only_connects_is_nobody(self):
        client = self.connect()
        peer = client.getsockname()
        client.close()
        session = self.daemon.session_of(peer)
        self.assertEqual(("eof_before_data", "undecided", 0), (session["reason"], session["protocol"], session["bytes_out"]))


class Text(ProtocolTest):
    def test_a_line_is_answered_as_it_ended(self):
        self.start(main="text lines")
        self.assertEqual(b"a\nb\r\nc", exchange(self.daemon.address(), b"a\nb\r\n\n\r\nc"))
        client = self.connect()
        client.sendall(b"no end yet")
        client.sendall(b" but now\n")
        self.assertEqual(b"no end yet but now\n", receive_exactly(client, 19))

    def test_nc_gets_its_replies_before_the_end(self):
        self.start(main="lines")
        host, port = self.daemon.address()
        done = subprocess.run(["nc", "-N", host, str(port)], input="一\n二\n三\n".encode(), capture_output=True, timeout=60)
        self.assertEqual((0, "一\n二\n三\n".encode()), (done.returncode, done.stdout))

    def test_ten_thousand_lines_in_one_go_and_the_end_at_once(self):
        self.start(main="lines")
        lines = b"".join(b"line %d\n" % i for i in range(10000))
        client = self.connect()

        def send():
            client.sendall(lines)
            client.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        self.assertTrue(receive_until_end(client) == lines)
        sender.join()

    def test_chunk_takes_each_delivery_for_a_message(self):
        self.start(main="text chunks")
        client = self.connect()
        for message in ("a", "b\n", "中文", "x" * 16):
            client.sendall(message.encode())
            self.assertEqual(f"<{message}>".encode(), client.recv(100))

    def test_chunk_cuts_long_deliveries_between_characters(self):
        self.start(main="text chunks")
        received = exchange(self.daemon.address(), ("a" + "字" * 11).encode())
        self.assertEqual("<a字字字字字><字字字字字><字>", received.decode())

    def test_chunk_holds_back_a_torn_character(self):
        self.start(main="text chunks")
        data = "中文".encode()
        client = self.connect()
        client.sendall(data[:5])
        self.assertEqual("<中>".encode(), client.recv(100))
        client.sendall(data[5:])
        self.assertEqual("<文>".encode(), client.recv(100))
        client.sendall(data[:2])
        client.shutdown(socket.SHUT_WR)
        # Nothing follows: it is delivered as it is, and shown as what it is not.
        self.assertEqual("<\ufffd>".encode(), receive_until_end(client))

    def test_auto_ends_a_message_at_a_newline_at_once(self):
        self.start(main="text patient")
        client = self.connect()
        client.sendall("一\n二\r\n三".encode())
        self.assertEqual("<一>\n<二>\r\n".encode(), receive_exactly(client, 13))
        client.shutdown(socket.SHUT_WR)
        self.assertEqual("<三>".encode(), receive_until_end(client))

    def test_auto_ends_a_message_after_a_pause(self):
        self.start(main="text pauses")
        client = self.connect()
        client.sendall(b"no newline")
        self.assertEqual(b"<no newline>", client.recv(100))
        client.sendall("半".encode()[:2])
        self.assertEqual(b"<" + "半".encode()[:2] + b">", client.recv(100))

    def test_each_client_is_answered_in_its_own_encoding(self):
        self.start(main="patient")
        for encoding in ("utf-8", "gbk"):
            self.assertEqual("<请问>\n".encode(encoding), exchange(self.daemon.address(), "请问\n".encode(encoding)))

    def test_a_line_above_max_message_is_told_and_closed(self):
        self.start("[limits]\nmax_message = 1000\n", main="text lines")
        self.assertEqual(b"x" * 1000 + b"\n", exchange(self.daemon.address(), b"x" * 1000 + b"\n"))
        received = exchange(self.daemon.address(), b"x" * 1001 + b"\nmore\n")
        self.assertRegex(received, rb"^error: message_too_big: [^\n]*\n$")

    def test_close_after_answers_and_ends(self):
        self.start(main="text once")
        client = self.connect()
        client.sendall(b"first\nsecond\n")
        self.assertEqual(b"first\n", receive_until_end(client))

    def test_an_idle_client_is_closed(self):
        self.start("idle = 100ms\n", main="text lines")
        client = self.connect()
        client.sendall(b"here\n")
        self.assertEqual(b"here\n", receive_until_end(client))
        peer = client.getsockname()
        client.close()
        self.assertEqual("idle_timeout", self.daemon.session_of(peer)["reason"])

    def test_first_byte_and_message_timeouts(self):
        self.start("[timeouts]\nfirst_byte = 100ms\nmessage = 150ms\n", main="text lines", any="lines")
        reasons = {"first_byte_timeout": [b""], "message_timeout": [b"half a li", b"a line\nhalf a li"]}
        for listener in ("main", "any"):
            for reason, openings in reasons.items():
                for opening in openings:
                    client = self.connect(listener)
                    client.sendall(opening)
                    receive_until_end(client)
                    peer = client.getsockname()
                    client.close()
                    self.assertEqual(reason, self.daemon.session_of(peer, listener)["reason"], opening)

    def test_a_client_that_does_not_read_is_held_and_then_reset(self):
        self.start("[timeouts]\nwrite = 300ms\n[limits]\nqueue_soft = 64KiB\n", main="text lines")
        client = self.connect()
        client.settimeout(0.5)
        sent = 0
        line = b"x" * 1023 + b"\n"
        try:
            while sent < 512 << 20:  # far more than both kernels' buffers
                sent += client.send(line * 64)
            self.fail("the daemon read without end from a client that does not read")
        except (socket.timeout, ConnectionResetError, BrokenPipeError):
            pass
        session = self.daemon.session_of(client.getsockname())
        self.assertEqual("write_timeout", session["reason"])


class Greeting(ProtocolTest):
    GREETING = "欢迎!".encode()

    def test_on_a_text_listener_at_once(self):
        self.start("greet_wait = 1m\n", main="text greeter")
        self.assertEqual(self.GREETING, self.connect().recv(100))

    def test_on_auto_after_greet_wait(self):
        self.start("greet_wait = 150ms\n", main="greeter")
        begun = time.monotonic()
        client = self.connect()
        self.assertEqual(self.GREETING, client.recv(100))
        self.assertGreaterEqual(time.monotonic() - begun, 0.14)
        client.sendall(b"\0\0\0\1x\n")  # it is a text client by now
        self.assertEqual("好\n".encode(), client.recv(100))

    def test_on_auto_when_the_protocol_is_known(self):
        self.start("greet_wait = 1m\n", main="greeter")
        text = self.connect()
        text.sendall(b"hello\n")
        self.assertEqual(self.GREETING + "好\n".encode(), receive_exactly(text, len(self.GREETING) + 4))
        counted = self.connect()
        counted.sendall(len32(b"hello"))
        self.assertEqual(self.GREETING, receive_len32(counted))
        self.assertEqual("好".encode(), receive_len32(counted))
        framed = self.framed()
        framed.request(b"hello")
        greeting, reply = framed.read(), framed.read()
        self.assertEqual((MESSAGE, 0, self.GREETING), (greeting.type, greeting.request_id, greeting.payload))
        self.assertEqual((REPLY, 1, "好".encode()), (reply.type, reply.request_id, reply.payload))

    def test_in_the_encoding_of_the_service(self):
        self.start(main="text gbk_greeter")
        self.assertEqual("欢迎!".encode("gbk"), self.connect().recv(100))


class Len32(ProtocolTest):
    def test_messages_of_all_sizes(self):
        self.start(main="len32 echo")
        messages = [b"", b"x", b"\n" * 3, bytes(range(256)), b"y" * 70000, b"z" * (1 << 20)]
        client = self.connect()
        for message in messages:
            client.sendall(len32(message))
            self.assertTrue(receive_len32(client) == message, len(message))

    def test_pipelined_with_the_end_at_once(self):
        self.start(main="echo")
        data = b"".join(len32(b"message %d" % i) for i in range(1000))
        self.assertTrue(exchange(self.daemon.address(), data) == data)

    def test_an_unfinished_message_at_the_end_is_dropped(self):
        self.start(main="len32 echo")
        self.assertEqual(len32(b"whole"), exchange(self.daemon.address(), len32(b"whole") + len32(b"half")[:6]))


class FramedProtocol(ProtocolTest):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-files-")))
        config = "services = echo, lines, once, drop, files, greeter\n" \
                 f"[service.files]\ntype = file\nroot = {self.folder}\n"
        self.start(config, any="echo", main="framed echo")

    def test_hello_says_who_and_what(self):
        hello = self.framed().hello
        self.assertEqual((1, 64, 1 << 20, "fairlead", "echo"), hello[:5])
        self.assertEqual(["echo", "lines", "once", "drop", "files", "greeter"], hello.services)

    def test_requests_in_flight_are_answered_in_order(self):
        client = self.framed()
        wanted = [(client.request(b"%d" % i), b"%d" % i) for i in range(1000)]
        self.assertEqual(wanted, [(answer.request_id, answer.payload) for answer in (client.read() for _ in wanted)])

    def test_channels_are_conversations_of_their_own(self):
        client = self.framed()
        opened, greeting = client.open(7, "greeter"), client.read()
        self.assertEqual((OPENED, 7, client.last_id), (opened.type, opened.channel, opened.request_id))
        self.assertEqual((MESSAGE, 7, 0, "欢迎!".encode()), (greeting.type, *greeting[2:]))
        self.assertEqual(OPENED, client.open(8, "echo").type)
        self.assertEqual("好".encode(), client.ask(b"x", channel=7))
        self.assertEqual(b"x", client.ask(b"x", channel=8))
        self.assertEqual(b"x", client.ask(b"x"))
        client.send(CLOSE, channel=7)
        end = client.read()
        self.assertEqual((CLOSE, 7), (end.type, end.channel))
        client.request(b"x", channel=7)
        self.assertEqual(NO_SUCH_CHANNEL, reason_of(client.read().payload))
        self.assertEqual(b"x", client.ask(b"x", channel=8))

    def test_close_after_ends_the_channel_alone(self):
        client = self.framed()
        client.open(1, "once")
        self.assertEqual(b"x", client.ask(b"x", channel=1))
        end = client.read()
        self.assertEqual((CLOSE, 1, CLOSE_AFTER), (end.type, end.channel, reason_of(end.payload)))
        self.assertEqual(b"y", client.ask(b"y"))

    def test_a_service_that_is_not_offered(self):
        client = self.framed()
        for name in ("patient", "nonsense", ""):  # the first exists, elsewhere
            answer = client.open(1, name)
            self.assertEqual((ERROR, UNKNOWN_SERVICE), (answer.type, reason_of(answer.payload)))
        self.assertEqual(b"x", client.ask(b"x"))

    def test_no_more_channels_than_hello_says(self):
        client = self.framed()
        for channel in range(1, client.hello.channels_max + 1):
            self.assertEqual(OPENED, client.open(channel, "drop").type)
        answer = client.open(client.hello.channels_max + 1, "drop")
        self.assertEqual((ERROR, TOO_MANY_CHANNELS), (answer.type, reason_of(answer.payload)))
        self.assertEqual(b"x", client.ask(b"x"))

    def test_a_request_that_is_not_answered_by_the_service_is_acknowledged(self):
        client = self.framed()
        client.open(1, "drop")
        self.assertEqual(b"", client.ask(b"x", channel=1))

    def test_a_file_is_one_reply_and_a_missing_one_an_error(self):
        (self.folder / "文件").write_bytes(b"bytes\0")
        client = self.framed()
        client.open(1, "files")
        self.assertEqual(b"bytes\0", client.ask("文件".encode(), channel=1))
        client.request("没有".encode(), channel=1)
        answer = client.read()
        self.assertEqual((ERROR, NO_SUCH_FILE), (answer.type, reason_of(answer.payload)))
        self.assertEqual(b"x", client.ask(b"x"))

    def test_half_close_gets_every_reply(self):
        client = self.framed()
        for i in range(100):
            client.request(b"%d" % i)
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual([b"%d" % i for i in range(100)], [answer.payload for answer in client.read_until_end()])

    def test_ping_and_unknown_types(self):
        client = self.framed()
        client.send(PING, b"8 bytes!", request_id=99)
        answer = client.read()
        self.assertEqual((PONG, 99, b"8 bytes!"), (answer.type, answer.request_id, answer.payload))
        client.send(0x80, b"an extension", flags=0xff)
        client.send(0xff, b"x" * 100000)
        self.assertEqual(b"x", client.ask(b"x"))

    def test_what_breaks_the_protocol_is_told(self):
        def broken(bytes_sent):
            client = Framed(self.daemon.connect())
            with client:
                client.socket.sendall(bytes_sent)
                client.socket.shutdown(socket.SHUT_WR)
                *_, last = client.read_until_end()
                self.assertEqual((ERROR, PROTOCOL_ERROR), (last.type, reason_of(last.payload)), bytes_sent)
                return client.socket.getsockname()
        for sent in (frame(0x0b), frame(0x20), frame(0), frame(MESSAGE, b"x", request_id=1, flags=1),
                     frame(MESSAGE, b"x", request_id=0), frame(MESSAGE, b"x", request_id=2) + frame(MESSAGE, b"x", request_id=2),
                     frame(REPLY, b"", request_id=1), frame(GOAWAY), frame(PING, b"x" * 33),
                     struct.pack(">IBBHI", (1 << 20) + 1, MESSAGE, 0, 0, 1)):
            peer = broken(sent)
            self.assertEqual("protocol_error", self.daemon.session_of(peer)["reason"])

    def test_a_bad_preface_at_a_framed_listener(self):
        for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\1x", PREFACE[:7] + b"\1", b"\xffFLD\2\0\0\0"):
            client = self.connect()
            client.sendall(sent)
            receive_until_end(client)
            peer = client.getsockname()
            client.close()
            self.assertEqual("protocol_error", self.daemon.session_of(peer)["reason"])


class Addresses(unittest.TestCase):
    ECHO = "service = echo\n[service.echo]\ntype = echo\n"

    def test_every_address_of_the_machine_by_one_port(self):
        with Daemon("[listener.main]\nbind = :0\n" + self.ECHO) as daemon:
            (_, port), = daemon.addresses()
            for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6), ("127.9.8.7", socket.AF_INET)):
                with socket.socket(family) as client:
                    client.settimeout(60)
                    client.connect((host, port))
                    client.sendall(b"x\n")
                    self.assertEqual(b"x\n", client.recv(10))
                    peer = client.getsockname()
                # An IPv4 client is seen as one, not as ::ffff:127.0.0.1.
                self.assertEqual("text", daemon.session_of(peer)["protocol"])

    def test_ipv6_alone_leaves_ipv4_to_others(self):
        with Daemon("[listener.main]\nbind = [::1]:0\n" + self.ECHO) as daemon:
            (host, port), = daemon.addresses()
            self.assertEqual("::1", host)
            self.assertEqual(b"x\n", exchange(("::1", port), b"x\n"))
            with self.assertRaises(ConnectionRefusedError):
                connect(("127.0.0.1", port))

    def test_a_name_with_all_its_addresses(self):
        with Daemon("[listener.main]\nbind = localhost:0\n" + self.ECHO) as daemon:
            for address in daemon.addresses():
                self.assertEqual(b"x\n", exchange(address, b"x\n"))

    def test_several_listeners_with_several_addresses_and_services(self):
        config = listeners(one="text lines", two="len32 echo", three="greeter").replace(
            "[listener.one]\nbind = 127.0.0.1:0", "[listener.one]\nbind = 127.0.0.1:0, 127.0.0.1:0, [::1]:0")
        with Daemon(config) as daemon:
            self.assertEqual(3, len(daemon.addresses("one")))
            for address in daemon.addresses("one"):
                self.assertEqual(b"x\n", exchange(address, b"x\n"))
            self.assertEqual(len32(b"x"), exchange(daemon.address("two"), len32(b"x")))
            self.assertIn("好".encode(), exchange(daemon.address("three"), b"x\n"))

    def test_accept_reuseport_serves_from_every_thread(self):
        with Daemon("[server]\naccept = reuseport\nthreads = 3\n[listener.main]\nbind = 127.0.0.1:0\n" + self.ECHO) as daemon:
            self.assertEqual(1, len(set(daemon.addresses())))
            for _ in range(50):
                self.assertEqual(b"x\n", exchange(daemon.address(), b"x\n"))

    def test_a_unix_socket_and_its_mode(self):
        for setting, mode in (("", 0o660), ("unix_mode = 0600\n", 0o600), ("unix_mode = 0666\n", 0o666)):
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "socket"
                with Daemon(f"[listener.main]\nbind = unix:{path}\n" + setting + self.ECHO) as daemon:
                    self.assertEqual(mode, stat.S_IMODE(path.stat().st_mode))
                    self.assertEqual([str(path)], daemon.addresses())
                    for sent in (b"text\n", len32(b"len32")):
                        self.assertEqual(sent, exchange(str(path), sent))
                    self.assertEqual("unix", daemon.sessions(1)[0]["peer"])
                self.assertFalse(path.exists(), "the path goes with the listener")

    def test_a_unix_socket_left_by_a_killed_daemon_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "socket"
            config = f"[listener.main]\nbind = unix:{path}\n" + self.ECHO
            with Daemon(config) as killed:
                killed.kill()
            self.assertTrue(path.exists())
            with Daemon(config):
                self.assertEqual(b"x\n", exchange(str(path), b"x\n"))

    def test_a_unix_socket_in_use_or_a_plain_file_is_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "socket"
            config = f"[listener.main]\nbind = unix:{path}\n" + self.ECHO
            with Daemon(config) as first:
                with self.assertRaisesRegex(AssertionError, "in use"):
                    Daemon(config).__enter__()
                self.assertEqual(b"x\n", exchange(first.address(), b"x\n"))
            path.write_text("precious")
            with self.assertRaisesRegex(AssertionError, "in use"):
                Daemon(config).__enter__()
            self.assertEqual("precious", path.read_text())


if __name__ == "__main__":
    main()
