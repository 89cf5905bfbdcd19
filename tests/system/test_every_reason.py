"""Every close reason and every counter of the documents is raised here, each in a daemon of its own."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import tempfile
import time
import unittest

from support.daemon import SOURCE_DIR, Daemon
from support.documents import DOCS, close_reasons, counter_fields
from support.network import Lost, enter_own_network, skip_without_own_network
from support.peers import CLOSE, ERROR, GOAWAY, OPENED, Framed, exchange, len32, reason_of, receive_exactly, \
    receive_until_end
from support.runner import main
from support.waiting import wait_for

TESTS = SOURCE_DIR / "tests"

# No test of the programs can raise these for sure, so a unit test has to: reasons, and fields of the counters.
BY_UNIT_TESTS = {
    "internal_error": "our own fault, or memory that is short at the wrong moment",
}
# Nothing raises these yet, and the page says so: a page, and the words beside the name.
NOT_IN_USE = {
    "kicked": ("operations.md", "not used yet"),
}
# Raised by an upgrade, in a module of its own.
ELSEWHERE = {"restart": "test_upgrade.py", "taken_over": "test_upgrade.py", "handed_over": "test_upgrade.py"}
# A sanitizer's allocator does not tell.
HIDDEN = {"heap_in_use"} if os.environ.get("FAIRLEAD_SANITIZE") else set()
OPEN = "none"  # the reason of a session that has not ended

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
services = echo, files, once
[listener.text]
bind = 127.0.0.1:0
protocol = text
service = echo
[listener.framed]
bind = 127.0.0.1:0
protocol = framed
service = echo
[listener.once]
bind = 127.0.0.1:0
service = once
[listener.files]
bind = 127.0.0.1:0
protocol = text
service = files
[service.echo]
type = echo
boundary = line
on_message = {on_message}
[service.once]
type = echo
boundary = line
close_after = 1
[service.files]
type = file
root = {root}
"""


REASONS = close_reasons()
FIELDS = counter_fields()


class ReasonTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-files-")))

    def start(self, config="", on_message="", **options):
        self.daemon = self.enterContext(
            Daemon(CONFIG.format(root=self.root, on_message=on_message) + config, **options))

    def connect(self, listener="main", **options):
        return self.enterContext(self.daemon.connect(listener, **options))

    def framed(self):
        return self.enterContext(Framed(self.connect()))

    def served(self, listener="main", **options):
        """A client that has had a reply."""
        client = self.connect(listener, **options)
        client.sendall(b"here\n")
        self.assertEqual(b"here\n", receive_exactly(client, 5))
        return client

    def check_ended(self, reason, client, listener="main"):
        """In the session's line, and counted."""
        self.assertEqual(reason, self.daemon.session_of(client.getsockname(), listener)["reason"])
        self.daemon.wait_for_counters(lambda now: now.get(reason, 0) > 0, f"{reason} to be counted")

    def check_ends(self, reason, client, listener="main"):
        """The client does nothing more."""
        with contextlib.suppress(ConnectionResetError):
            receive_until_end(client)
        self.check_ended(reason, client, listener)

    def check_told(self, reason, told):
        """A framed client, in a frame."""
        self.assertIn(told.type, (CLOSE, ERROR, GOAWAY))
        self.assertEqual(reason, REASONS[reason_of(told.payload[4:] if told.type == GOAWAY else told.payload)])


class Reasons(ReasonTest):
    """The name of a test is that of the reason."""

    def test_peer_closed(self):
        self.start()
        client = self.served()
        client.shutdown(socket.SHUT_WR)
        self.check_ends("peer_closed", client)

    def test_eof_before_data(self):
        self.start()
        client = self.connect()
        client.shutdown(socket.SHUT_WR)
        self.check_ends("eof_before_data", client)

    def test_reset(self):
        self.start()
        client = self.served()
        name = client.getsockname()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        self.assertEqual("reset", self.daemon.session_of(name)["reason"])
        self.assertEqual(1, self.daemon.counters()["reset"])

    def test_peer_vanished(self):
        skip_without_own_network(self)
        self.start("[socket]\nuser_timeout = 1s\n")
        client = self.served(source="127.0.1.1")
        # Stopped, so that the request has arrived and no reply has left when the cable is pulled.
        self.daemon.freeze()
        client.sendall(b"are you there?\n")
        with Lost("127.0.1.0/24"):
            self.daemon.send_signal(signal.SIGCONT)
            self.check_ended("peer_vanished", client)

    def test_close_after(self):
        self.start()
        self.check_ends("close_after", self.served("once"), "once")

    def test_idle_timeout(self):
        self.start("[timeouts]\nidle = 100ms\n")
        self.check_ends("idle_timeout", self.served())

    def test_first_byte_timeout(self):
        self.start("[timeouts]\nfirst_byte = 100ms\n")
        self.check_ends("first_byte_timeout", self.connect())

    def test_message_timeout(self):
        self.start("[timeouts]\nmessage = 100ms\n")
        client = self.connect("text")
        client.sendall(b"half a li")
        self.check_ends("message_timeout", client, "text")

    def send_without_reading(self, clients):
        """Lines, until each that is still connected takes no more."""
        for client in clients:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionResetError, BrokenPipeError):
                while True:
                    client.send(b"x" * 1023 + b"\n")

    def test_write_timeout(self):
        self.start("[timeouts]\nwrite = 300ms\n")
        client = self.connect("text")
        def ended():
            self.send_without_reading([client])
            return self.daemon.events("session")
        wait_for(ended, "the client to be ended")
        self.check_ended("write_timeout", client, "text")

    def test_slow_consumer(self):
        """Also counted as `shed`: all queues of a thread together have come to its part."""
        self.start("[timeouts]\nwrite = 10m\n[limits]\nmax_buffer_memory = 1MiB\nqueue_soft = 256KiB\n")
        clients = [self.connect("text") for _ in range(16)]
        def is_shed():
            self.send_without_reading(clients)
            return self.daemon.counters()["shed"] > 0
        wait_for(is_shed, "a client to be ended")
        self.daemon.wait_for_events("session", where=lambda event: event["reason"] == "slow_consumer")

    def test_message_too_big(self):
        self.start("[limits]\nmax_message = 1KiB\n")
        client = self.connect("text")
        client.sendall(b"x" * 2000)
        self.check_ends("message_too_big", client, "text")

    def test_protocol_error(self):
        self.start()
        client = self.connect("framed")
        client.sendall(b"GET / HTTP/1.1\r\n")
        self.check_ends("protocol_error", client, "framed")

    def test_rate_limited(self):
        self.start("[limits]\naccept_rate = 1\n")
        def refused():
            self.connect("text")
            return self.daemon.counters().get("rate_limited")
        wait_for(refused, "a connection to be refused")

    def check_refused(self, reason, config, source=None, before=0):
        self.start(config)
        for _ in range(before):
            self.served("text", source=source)
        self.check_ends(reason, self.connect("text", source=source), "text")

    def test_server_full(self):
        self.check_refused("server_full", "[limits]\nmax_connections = 1\n", before=1)

    def test_ip_limit(self):
        self.check_refused("ip_limit", "[limits]\nmax_per_ip = 1\n", source="127.0.0.9", before=1)

    def test_denied(self):
        self.check_refused("denied", "[access]\ndeny = 127.0.0.9\n", source="127.0.0.9")

    def test_draining(self):
        self.start("[timeouts]\ndrain = 1m\n")
        client = self.framed()
        self.daemon.send_signal(signal.SIGTERM)
        self.check_told("draining", client.read())
        client.read_until_end()
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(0, self.daemon.wait())
        self.assertEqual(["draining"], [session["reason"] for session in self.daemon.sessions()])
        self.assertEqual(1, self.daemon.events("counters")[-1]["draining"])

    def test_file_changed(self):
        self.start()
        path = self.root / "shrinking"
        with open(path, "wb") as file:
            file.truncate(64 << 20)
        client = self.connect("files")
        client.sendall(b"shrinking")
        receive_exactly(client, 1000)
        os.truncate(path, 0)
        self.check_ends("file_changed", client, "files")

    def test_completed(self):
        (self.root / "small").write_bytes(b"small")
        self.start()
        client = self.connect("files")
        client.sendall(b"small")
        self.check_ends("completed", client, "files")

    def test_unknown_service(self):
        self.start()
        self.check_told("unknown_service", self.framed().open(1, "nonsense"))

    def test_no_such_file(self):
        self.start()
        client = self.framed()
        client.open(1, "files")
        client.request(b"missing", channel=1)
        self.check_told("no_such_file", client.read())

    def test_too_many_channels(self):
        self.start()
        client = self.framed()
        for channel in range(1, client.hello.channels_max + 1):
            self.assertEqual(OPENED, client.open(channel, "once").type)
        self.check_told("too_many_channels", client.open(client.hello.channels_max + 1, "once"))

    def test_no_such_channel(self):
        self.start()
        client = self.framed()
        client.request(b"x", channel=1)
        self.check_told("no_such_channel", client.read())


class Counters(ReasonTest):
    def test_what_every_exchange_counts(self):
        self.start()
        self.served()
        counters = self.daemon.counters()
        for name in {"accepted", "open", "bytes_in", "bytes_out", "messages_in", "messages_out", "turn_us_max",
                     "reply_us_p50", "reply_us_p99", "replies_timed", "heap_in_use"} - HIDDEN:
            self.assertGreater(counters[name], 0, name)

    def hold_up(self, seconds):
        self.daemon.freeze()
        end = time.monotonic() + seconds
        wait_for(lambda: time.monotonic() > end, "the time to pass")
        self.daemon.send_signal(signal.SIGCONT)

    def test_stalls(self):
        """It does not run when a deadline comes, nor for a second behind it."""
        self.start("[timeouts]\nidle = 1s\n")
        self.served()
        self.hold_up(2.5)
        self.daemon.wait_for_counters(lambda now: now["stalls"] > 0, "a stall to be counted")

    def test_replies_late(self):
        """The daemon is stopped amid its work."""
        self.start()
        client = self.connect()
        client.setblocking(False)
        message = len32(b"x") * 10000
        def late():
            with contextlib.suppress(BlockingIOError):
                client.send(message)
            self.hold_up(0.005)
            with contextlib.suppress(BlockingIOError):
                while client.recv(1 << 20):
                    pass
            return self.daemon.counters()["replies_late"] > 0
        wait_for(late, "a reply to be late")

    def test_log_lost(self):
        self.start("[log]\nsession_file = /dev/full\n")
        self.served().close()
        self.daemon.wait_for_counters(lambda now: now["log_lost"] > 0, "a lost line to be counted")

    def test_transcript_lost(self):
        with open("/dev/full", "wb") as full:
            self.start(on_message="said {text}", stdout=full)
        self.served()
        self.daemon.wait_for_counters(lambda now: now["transcript_lost"] > 0, "a lost line to be counted")


def names_of(case):
    return {name.removeprefix("test_") for name in unittest.defaultTestLoader.getTestCaseNames(case)}


class Complete(unittest.TestCase):
    def test_every_close_reason_has_a_test(self):
        self.assertGreater(len(REASONS), 20)
        self.assertEqual(set(REASONS.values()) - {OPEN} - set(BY_UNIT_TESTS) - set(ELSEWHERE) - set(NOT_IN_USE),
                         names_of(Reasons))

    def test_every_counter_has_a_test(self):
        self.assertGreater(len(FIELDS), 8)
        here = pathlib.Path(__file__).read_text(encoding="utf-8").split("class Reasons", 1)[1]
        self.assertEqual(set(), {name for name in FIELDS - set(BY_UNIT_TESTS) - set(ELSEWHERE) if f'"{name}"' not in here})

    def test_what_only_unit_tests_can_raise(self):
        self.assertEqual(set(), set(BY_UNIT_TESTS) - FIELDS - set(REASONS.values()), "no longer documented")
        tests = "".join(path.read_text(encoding="utf-8") for path in (TESTS / "unit").glob("*/*_test.cpp")
                        if path.name != "close_reason_test.cpp")
        for name in BY_UNIT_TESTS:
            self.assertRegex(tests, rf"\b{name}\b")

    def test_what_others_raise(self):
        self.assertEqual(set(), set(ELSEWHERE) - FIELDS - set(REASONS.values()), "no longer documented")
        for name, module in ELSEWHERE.items():
            self.assertIn(f'"{name}"', pathlib.Path(__file__).with_name(module).read_text(encoding="utf-8"))

    def test_what_is_not_in_use(self):
        for name, (page, words) in NOT_IN_USE.items():
            lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
            self.assertTrue(any(name in line and words in line for line in lines), f"{page} no longer says it of {name}")


if __name__ == "__main__":
    enter_own_network()
    main()
