"""Whoever is ended by the server while it is sending 8 MB still reads why, to the end of the stream, and is not reset
before."""
import pathlib
import select
import signal
import tempfile
import unittest

from support.daemon import Daemon
from support.peers import CLOSE, CLOSE_AFTER, DRAINING, ERROR, GOAWAY, IDLE_TIMEOUT, MESSAGE, MESSAGE_TIMEOUT, PREFACE, \
    PROTOCOL_ERROR, REPLY, frame, frames_of, len32, reason_of, receive_until_end
from support.runner import main
from support.waiting import DEADLINE

# The linger is for a machine that is slow between two steps of a client's; nobody waits for it here.
CONFIG = """
[listener.text]
bind = 127.0.0.1:0
protocol = text
service = discard
[listener.len32]
bind = 127.0.0.1:0
protocol = len32
service = discard
[listener.auto]
bind = 127.0.0.1:0
service = discard
[listener.framed]
bind = 127.0.0.1:0
protocol = framed
service = discard
[listener.once]
bind = 127.0.0.1:0
service = once
[listener.once_text]
bind = 127.0.0.1:0
protocol = text
service = once
[listener.files]
bind = 127.0.0.1:0
protocol = text
service = files
[service.discard]
type = discard
boundary = line
[service.once]
type = echo
boundary = line
close_after = 1
[service.files]
type = file
root = {root}
[timeouts]
linger = 1m
"""
HALF = 4 << 20
LINE = b"x" * 1023 + b"\n"
LINES = LINE * (HALF // len(LINE))
MESSAGES = len32(b"x" * 65532) * (HALF >> 16)
FRAMES = [b"".join(frame(MESSAGE, b"x" * 65524, request_id=half * 64 + number + 1) for number in range(HALF >> 16))
          for half in range(2)]
REFUSALS = {
    "denied": (16, "this address may not connect"),
    "ip_limit": (15, "too many connections from this address"),
    "rate_limited": (13, "too many connections in a short time; try again later"),
    "server_full": (14, "the server is full; try again later"),
}
TLS_ALERT = bytes.fromhex("15030300020228")


def words(reason, sentence):
    return f"error: {reason}: {sentence}".encode()


class ToldWhy(unittest.TestCase):
    times = 10

    def start(self, config=""):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-files-")))
        self.daemon = self.enterContext(Daemon(CONFIG.format(root=self.root) + config))

    def converse(self, listener, first, rest, source=None, unaware=True, between=lambda: None):
        """What each of the clients has received at the end. All send `first`; then half of them wait until the server has
        ended its side, and the others, if `unaware`, do not look. Then all send `rest`, and only then read. A reset
        fails."""
        clients = []
        try:
            for _ in range(self.times):
                clients.append(self.daemon.connect(listener, source=source))
                clients[-1].sendall(first)
            between()
            for number, client in enumerate(clients):
                if number % 2 or not unaware:
                    self.wait_until_ended(client)
            for client in clients:
                client.sendall(rest)
            return [receive_until_end(client) for client in clients]
        finally:
            for client in clients:
                client.close()

    def wait_until_ended(self, client):
        poller = select.poll()
        poller.register(client, select.POLLRDHUP)
        (_, events), = poller.poll(1000 * DEADLINE) or [(None, 0)]
        self.assertEqual(select.POLLRDHUP, events & (select.POLLRDHUP | select.POLLERR | select.POLLHUP))

    def check(self, reason, listener, first, rest, wanted, **options):
        before = self.daemon.counters().get(reason, 0)
        for received in self.converse(listener, first, rest, **options):
            self.assertTrue(received == wanted, f"{received[:200]}... of {len(received)} bytes")
        self.daemon.wait_for_counters(lambda now: now.get(reason, 0) == before + self.times, f"{self.times} x {reason}")

    def check_framed(self, reason, listener, first, rest, kind, number, **options):
        before = self.daemon.counters().get(reason, 0)
        for received in self.converse(listener, PREFACE + first, rest, **options):
            _hello, *replies, last = frames_of(received)
            self.assertEqual({REPLY} if replies else set(), {reply.type for reply in replies})
            self.assertEqual((kind, number), (last.type, reason_of(last.payload)))
        self.daemon.wait_for_counters(lambda now: now.get(reason, 0) == before + self.times, f"{self.times} x {reason}")

    def check_refusal(self, reason, source):
        sentence = words(reason, REFUSALS[reason][1])
        self.check(reason, "text", LINES, LINES, sentence + b"\n", source=source)
        self.check(reason, "len32", MESSAGES, MESSAGES, len32(sentence), source=source)
        self.check(reason, "auto", LINES, LINES, b"", source=source)  # nobody knows their language yet
        self.check_framed(reason, "framed", *FRAMES, ERROR, REFUSALS[reason][0], source=source)

    def test_denied(self):
        self.start("[access]\ndeny = 127.0.0.9\n")
        self.check_refusal("denied", "127.0.0.9")

    def test_ip_limit(self):
        self.start("[limits]\nmax_per_ip = 1\n")
        with self.daemon.connect("text", source="127.0.0.9"):
            self.check_refusal("ip_limit", "127.0.0.9")

    def test_server_full(self):
        self.start("[limits]\nmax_connections = 1\n")
        with self.daemon.connect("text"):
            self.check_refusal("server_full", None)

    def test_rate_limited(self):
        """One is let in each second, and gets its reply."""
        self.start("[limits]\naccept_rate = 1\n")
        refusal = words("rate_limited", REFUSALS["rate_limited"][1]) + b"\n"
        refused = 0
        while refused < self.times:
            received = self.converse("once_text", LINES, LINES)
            self.assertEqual(set(), set(received) - {LINE, refusal})
            refused += received.count(refusal)
        self.daemon.wait_for_counters(lambda now: now.get("rate_limited") == refused, f"{refused} x rate_limited")

    def test_message_too_big(self):
        self.start()
        sentence = words("message_too_big", "the message is above the size limit")
        self.check("message_too_big", "text", b"x" * HALF, b"x" * HALF, sentence + b"\n")
        self.check("message_too_big", "len32", len32(b"x" * 2 * HALF)[:HALF], b"x" * HALF, len32(sentence))

    def test_protocol_error(self):
        self.start()
        self.check_framed("protocol_error", "framed", FRAMES[0] + frame(0x20), FRAMES[1], ERROR, PROTOCOL_ERROR)
        self.check("protocol_error", "framed", LINES, LINES, b"")
        self.check("protocol_error", "auto", b"\x16\x03\x01" + LINES, LINES, TLS_ALERT)

    def test_close_after(self):
        self.start()
        self.check("close_after", "once", LINES, LINES, LINE)
        self.check("close_after", "once", MESSAGES, MESSAGES, MESSAGES[:65536])
        self.check_framed("close_after", "once", FRAMES[0], FRAMES[1], CLOSE, CLOSE_AFTER)

    def test_downloads(self):
        self.start()
        (self.root / "small").write_bytes(b"small")
        (self.root / "larger").write_bytes(LINES[:1 << 16])
        self.check("completed", "files", b"small\n" + LINES, LINES, b"small")
        self.check("completed", "files", b"larger\n" + LINES, LINES, LINES[:1 << 16])
        self.check("no_such_file", "files", b"missing\n" + LINES, LINES, b"")

    def test_time_outs(self):
        """Half-way they stop sending for too long, and then send on."""
        self.start("[timeouts]\nidle = 300ms\n")
        self.check("idle_timeout", "text", LINES, LINES, b"", unaware=False)
        self.check("idle_timeout", "len32", MESSAGES, MESSAGES, b"", unaware=False)
        self.check_framed("idle_timeout", "framed", *FRAMES, ERROR, IDLE_TIMEOUT, unaware=False)

        self.start("[timeouts]\nfirst_byte = 300ms\nmessage = 300ms\n")
        self.check("first_byte_timeout", "text", b"", 2 * LINES, b"", unaware=False)
        self.check("first_byte_timeout", "auto", b"", 2 * MESSAGES, b"", unaware=False)
        self.check("message_timeout", "text", LINES + b"unfinished", LINES, b"", unaware=False)
        self.check("message_timeout", "len32", MESSAGES + b"\0\0", MESSAGES, b"", unaware=False)
        self.check_framed("message_timeout", "framed", FRAMES[0] + FRAMES[1][:1000], FRAMES[1][1000:], ERROR,
                          MESSAGE_TIMEOUT, unaware=False)

    def stop_when_accepted(self):
        self.daemon.wait_for_counters(lambda now: now["accepted"] == self.times, "all to be accepted")
        self.daemon.send_signal(signal.SIGTERM)

    def check_drained(self):
        self.assertEqual(0, self.daemon.wait())
        self.assertEqual(self.times, self.daemon.events("counters")[-1]["draining"])

    def test_draining(self):
        for listener, first, rest in (("text", LINES + b"unfinished", LINES), ("len32", MESSAGES + b"\0\0", MESSAGES)):
            self.start()
            received = self.converse(listener, first, rest, unaware=False, between=self.stop_when_accepted)
            self.assertEqual([b""] * self.times, received)
            self.check_drained()

    def test_draining_of_framed_clients(self):
        self.start()
        first, rest = PREFACE + FRAMES[0] + FRAMES[1][:1000], FRAMES[1][1000:]
        for received in self.converse("framed", first, rest, unaware=False, between=self.stop_when_accepted):
            _hello, *replies, last = frames_of(received)
            self.assertEqual([REPLY] * len(replies), [reply.type for reply in replies])
            self.assertEqual(GOAWAY, last.type)
            # What it says was executed has been answered, and the other way round.
            self.assertEqual(len(replies), int.from_bytes(last.payload[:4], "big"))
            self.assertEqual(DRAINING, reason_of(last.payload[4:]))
        self.check_drained()


if __name__ == "__main__":
    main()
