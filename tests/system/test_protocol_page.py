"""Statements of docs/protocol.md that its vectors do not play: what comes first where a frame is wrong twice, what ends a connection
and what does not, and which requests have been answered by then."""
import pathlib
import signal
import struct
import tempfile
import unittest

from support.daemon import Daemon
from support.peers import CLOSE, ERROR, GOAWAY, HELLO, MESSAGE, NO_SUCH_CHANNEL, NO_SUCH_FILE, OPEN, OPENED, PING, PONG, PREFACE, \
    DRAINING, MESSAGE_TIMEOUT, MESSAGE_TOO_BIG, PROTOCOL_ERROR, REPLY, TOO_MANY_CHANNELS, UNKNOWN_SERVICE, Framed, frame, frames_of, \
    len32, reason_of, receive_exactly, receive_len32, receive_until_end
from support.runner import main

STAT, STATUS, LIST, LISTING, GET, BEGIN, DATA, END, HASH, HASHES = range(0x20, 0x2a)
WHOLE = 1 << 20  # what fits in one REPLY
ANY = bytes(40)
TO_THE_END = (1 << 64) - 1

CONFIG = """
[timeouts]
drain = {drain}
message = {message}
[service.echo]
type = echo
boundary = line
[service.once]
type = echo
close_after = 1
[service.drop]
type = discard
[service.files]
type = file
root = {root}
[service.slow]
type = file
root = {root}
max_rate = 100k
[service.files_once]
type = file
root = {root}
close_after = 1
[listener.main]
bind = 127.0.0.1:0
service = echo
services = echo, once, files, drop
[listener.drop]
bind = 127.0.0.1:0
service = drop
[listener.files]
bind = 127.0.0.1:0
service = files
[listener.slow]
bind = 127.0.0.1:0
service = slow
[listener.files_once]
bind = 127.0.0.1:0
service = files_once
[listener.framed]
bind = 127.0.0.1:0
protocol = framed
services = echo
"""


def get(request_id, name, offset=0, length=TO_THE_END):
    return frame(GET, struct.pack(">QQ", offset, length) + ANY + name, request_id=request_id)


def list_from(known, folder=b""):
    return struct.pack(">HH", 0, len(known)) + known + folder


class PageTest(unittest.TestCase):
    timeouts = {"drain": "200ms", "message": "30s"}

    def setUp(self):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-test-")))
        for name, size in (("note", 5), ("middle", 40_000), ("whole", WHOLE), ("more", WHOLE + 1)):
            (root / name).write_bytes(b"x" * size)
        (root / "folder").mkdir()
        self.daemon = self.enterContext(Daemon(CONFIG.format(root=root, **self.timeouts)))

    def framed(self, listener="main"):
        return self.enterContext(Framed(self.daemon.connect(listener)))

    def sent(self, data, listener="main"):
        """The frames that come, without HELLO, when that is sent behind the preface, and then the end."""
        client = self.framed(listener)
        client.socket.sendall(data)
        client.socket.shutdown(1)
        return client.read_until_end()

    def assert_ends(self, sentence, data, listener="main"):
        last = self.sent(data, listener)[-1]
        self.assertEqual((ERROR, 0, 0, PROTOCOL_ERROR, sentence),
                         (last.type, last.channel, last.request_id, reason_of(last.payload), last.payload[4:].decode()))

    def assert_refused(self, reason, answer):
        self.assertEqual((ERROR, reason), (answer.type, reason_of(answer.payload)))


class Frames(PageTest):
    def test_the_first_frame_of_a_client_may_be_hello(self):
        ask = frame(MESSAGE, b"x", request_id=1)
        for name, before in (("version 0", frame(HELLO, b"\0\0\0")), ("version 2", frame(HELLO, b"\0\2\0")),
                             ("a request id", frame(HELLO, b"\0\1\0", request_id=9)),
                             ("behind an ignored frame", frame(0x80, b"zz", channel=3) + frame(HELLO, b"\0\1\0"))):
            with self.subTest(name):
                self.assertEqual([REPLY], [answer.type for answer in self.sent(before + ask)])
        for before in (frame(PING), frame(CLOSE, channel=7)):
            self.assert_ends("bad hello", before + frame(HELLO, b"\0\1\0"))

    def test_the_length_comes_before_the_type_and_the_type_before_the_flags(self):
        def header(length, kind, flags):
            return struct.pack(">IBBHI", length, kind, flags, 0, 0)
        self.assert_ends("frame above the size limit", header(WHOLE + 1, 0x41, 1))
        self.assert_ends("frame above the size limit", header(WHOLE + 1, 0x80, 0))
        self.assert_ends("unknown frame type", header(0, 0x41, 1))
        self.assert_ends("reserved frame flag", header(0, OPENED, 1))

    def test_the_request_id_of_an_open_comes_first_and_the_service_last(self):
        self.assert_ends("request ids must increase", frame(OPEN, b"none", channel=0, request_id=0))
        self.assert_ends("open of a channel that is open", frame(OPEN, b"none", channel=0, request_id=1))
        client = self.framed()
        for channel in range(1, client.hello.channels_max + 1):
            self.assertEqual(OPENED, client.open(channel, "echo").type)
        self.assert_refused(TOO_MANY_CHANNELS, client.open(channel + 1, "none"))
        self.assertEqual("open of a channel that is open", client.open(channel, "none").payload[4:].decode())

    def test_the_channel_of_a_request_comes_before_the_service_and_that_before_the_fields(self):
        self.assert_ends("request ids must increase", frame(HASH, channel=9, request_id=0))
        self.assert_refused(NO_SUCH_CHANNEL, self.sent(frame(HASH, channel=9, request_id=1))[0])
        self.assert_refused(UNKNOWN_SERVICE, self.sent(frame(HASH, request_id=1))[0])
        self.assert_ends("bad file request", frame(HASH, request_id=1), "files")

    def test_a_ping_needs_no_channel_and_a_pong_is_ignored(self):
        answers = self.sent(frame(PING, b"q", channel=7, request_id=5) + frame(PONG, b"z" * 100))
        self.assertEqual([(PONG, 0, 7, 5, b"q")], [tuple(answer) for answer in answers])

    def test_close_on_channel_0_ends_the_connection_also_without_a_service(self):
        self.assertEqual([], self.sent(frame(CLOSE), "framed"))

    def test_behind_close_after_a_channel_is_closed(self):
        data = frame(OPEN, b"once", 1, 1) + b"".join(frame(MESSAGE, b"x", 1, number) for number in (2, 3, 4))
        answers = self.sent(data)
        self.assertEqual([OPENED, REPLY, CLOSE, ERROR, ERROR], [answer.type for answer in answers])
        for answer in answers[3:]:
            self.assert_refused(NO_SUCH_CHANNEL, answer)


class Files(PageTest):
    def test_a_message_is_answered_by_a_whole_file(self):
        client = self.framed("files")
        self.assertEqual(WHOLE, len(client.ask(b"whole")))
        for name, reason in ((b"more", MESSAGE_TOO_BIG), (b"none", NO_SUCH_FILE)):
            client.request(name)
            self.assert_refused(reason, client.read())

    def test_a_len32_client_gets_a_whole_file_and_stays(self):
        with self.daemon.connect("files") as client:
            for name, size in ((b"note", 5), (b"whole", WHOLE), (b"note", 5)):
                client.sendall(len32(name))
                self.assertEqual(size, len(receive_len32(client)))
            client.sendall(len32(b"more"))
            self.assertTrue(receive_len32(client).startswith(b"error: message_too_big: "))
            self.assertEqual(b"", receive_until_end(client))
        with self.daemon.connect("files") as client:
            client.sendall(len32(b"none"))
            self.assertEqual(b"", receive_until_end(client))

    def test_the_empty_name_is_the_root_and_the_wrong_kind_does_not_exist(self):
        client = self.framed("files")
        client.send(STAT, b"", request_id=1)
        root = client.read()
        self.assertEqual((STATUS, 2), (root.type, root.payload[0]))
        for request_id, (kind, payload) in enumerate(((LIST, list_from(b"", b"note")), (HASH, bytes(12) + ANY + b"folder"),
                                                      (GET, struct.pack(">QQ", 0, 1) + ANY + b"folder"),
                                                      (GET, struct.pack(">QQ", 0, 1) + ANY)), 2):
            client.send(kind, payload, request_id=request_id)
            self.assert_refused(NO_SUCH_FILE, client.read())

    def test_the_known_name_of_a_list_is_only_compared(self):
        client = self.framed("files")
        client.send(LIST, list_from(b"mo\0/" + b"\xff" * 60_000), request_id=1)
        listing = client.read().payload
        self.assertEqual((0, 3), struct.unpack(">BH", listing[:3]))  # more, note, whole

    def test_behind_the_end_there_is_nothing(self):
        client = self.framed("files")
        for request_id, (offset, length) in enumerate(((5, 1), (100, TO_THE_END), (1 << 63, 1 << 63)), 1):
            client.socket.sendall(get(request_id, b"note", offset, length))
            self.assertEqual((offset, 0), struct.unpack(">QQ", client.read().payload[40:]))
            end = client.read()
            self.assertEqual((END, bytes(8)), (end.type, end.payload))

    def test_close_after_counts_requests_and_waits_for_none_to_be_unanswered(self):
        data = b"".join(frame(STAT, b"note", request_id=number) for number in (1, 2, 3))
        self.assertEqual([STATUS, STATUS, STATUS, CLOSE], [answer.type for answer in self.sent(data, "files_once")])

    def types_until_pong(self, requests):
        client = self.framed("slow")
        client.socket.sendall(b"".join(get(number, b"middle") for number in range(1, requests + 1)) + frame(PING))
        types = [client.read().type]
        while types[-1] != PONG:
            types.append(client.read().type)
        return types

    def test_a_ping_passes_15_requests_and_waits_behind_16(self):
        self.assertNotIn(END, self.types_until_pong(15))
        self.assertIn(END, self.types_until_pong(16))

    def test_what_the_client_ends_is_answered_in_full_first(self):
        ping = frame(PING)  # not looked at
        for last, data in ((ERROR, frame(0x41) + ping), (END, frame(CLOSE) + ping), (END, b"")):
            answers = self.sent(get(1, b"middle") + data, "slow")
            self.assertEqual(40_000, sum(len(answer.payload) for answer in answers if answer.type == DATA))
            self.assertIn(END, [answer.type for answer in answers])
            self.assertEqual(last, answers[-1].type)


class Lengths(PageTest):
    def test_a_service_that_does_not_answer_says_nothing(self):
        with self.daemon.connect("drop") as client:
            client.sendall(len32(b"x") + len32(b""))
            client.shutdown(1)
            self.assertEqual(b"", receive_until_end(client))


class TimeOuts(PageTest):
    timeouts = {"drain": "200ms", "message": "200ms"}

    def test_a_framed_listener_says_why_from_the_fourth_byte_on(self):
        with self.daemon.connect("framed") as client:
            client.sendall(PREFACE[:3])
            self.assertEqual(b"", receive_until_end(client))
        with self.daemon.connect("framed") as client:
            client.sendall(PREFACE[:4])
            hello, error = frames_of(receive_until_end(client))
            self.assertEqual(HELLO, hello.type)
            self.assert_refused(MESSAGE_TIMEOUT, error)


class Drain(PageTest):
    timeouts = {"drain": "3s", "message": "30s"}

    def test_goaway_comes_at_once_or_behind_the_last_answer(self):
        idle, undecided, waiting, loading = self.framed(), self.daemon.connect(), self.daemon.connect(), self.framed("slow")
        self.addCleanup(undecided.close)
        self.addCleanup(waiting.close)
        self.assertEqual(b"x", idle.ask(b"x"))
        loading.socket.sendall(get(13, b"whole") + frame(STAT, b"note", request_id=14))
        self.assertEqual(BEGIN, loading.read().type)
        self.daemon.send_signal(signal.SIGTERM)

        goaway, = idle.read_until_end()
        self.assertEqual((GOAWAY, 1, DRAINING), (goaway.type, *struct.unpack(">II", goaway.payload[:8])))
        undecided.sendall(b"text\n")
        self.assertEqual(b"text\n", receive_exactly(undecided, 5))
        waiting.sendall(PREFACE + frame(MESSAGE, b"x", request_id=1))
        self.assertEqual([HELLO, REPLY, GOAWAY], [answer.type for answer in frames_of(receive_until_end(waiting))])

        *_, first, second, goaway = loading.read_until_end()
        for answer, request_id in ((first, 13), (second, 14)):
            self.assertEqual((ERROR, request_id, DRAINING), (answer.type, answer.request_id, reason_of(answer.payload)))
        self.assertEqual((GOAWAY, 14, DRAINING), (goaway.type, *struct.unpack(">II", goaway.payload[:8])))
        self.assertEqual(0, self.daemon.wait())


if __name__ == "__main__":
    main()
