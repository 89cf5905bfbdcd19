"""Signals: the drain with sessions in every state, leaving at once, and new log files."""
import contextlib
import fcntl
import json
import pathlib
import re
import select
import signal
import socket
import struct
import tempfile
import termios
import time
import unittest

from support.daemon import SOURCE_DIR, Daemon, connect
from support.peers import DRAINING, Framed, GOAWAY, REPLY, exchange, len32, reason_of, receive_exactly, \
    receive_len32, receive_until_end
from support.runner import main, release_only
from support.waiting import wait_for

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = patient
services = patient, echo
[listener.text]
bind = 127.0.0.1:0
protocol = text
service = patient
[listener.unix]
bind = unix:{directory}/socket
service = echo
[listener.once]
bind = 127.0.0.1:0
protocol = text
service = once
[listener.files]
bind = 127.0.0.1:0
protocol = text
service = files
[service.patient]
type = reply
pause = 1m
text = <{{text}}>
[service.echo]
type = echo
boundary = line
[service.once]
type = echo
close_after = 1
[service.files]
type = file
root = {directory}
"""


def unacknowledged(client):
    """Bytes sent that the other kernel has not confirmed."""
    return struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, bytes(4)))[0]


class SignalTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-files-")))

    def start(self, config="[timeouts]\ndrain = 1m\n", **options):
        self.daemon = self.enterContext(Daemon(CONFIG.format(directory=self.folder) + config, **options))
        return self.daemon

    def connect(self, listener="main", source=None):
        client = self.daemon.connect(listener, source=source)
        self.addCleanup(client.close)
        return client

    def framed(self):
        return self.enterContext(Framed(self.daemon.connect()))

    def wait_until_served(self, count):
        """Until the daemon has accepted that many, which connect() alone does not say."""
        self.daemon.wait_for_counters(lambda now: now["accepted"] >= count, f"{count} clients to be accepted")

    def wait_until_refusing(self):
        self.daemon.wait_for_events("draining")
        with self.assertRaises(ConnectionRefusedError):
            connect(self.daemon.address())


class Drain(SignalTest):
    def test_without_clients_both_signals_end_it_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Daemon(CONFIG.format(directory=self.folder) + "[timeouts]\ndrain = 10m\n") as daemon:
                self.assertEqual(0, daemon.stop(number))
                self.assertEqual("stopped", daemon.events()[-1]["event"])

    def test_the_port_refuses_while_those_connected_are_served_until_they_leave(self):
        self.start()
        text, counted = self.connect(), self.connect()
        text.sendall(b"before\n")
        self.assertEqual(b"<before>\n", text.recv(100))
        counted.sendall(len32(b"before"))
        self.assertEqual(b"<before>", receive_len32(counted))
        self.daemon.send_signal(signal.SIGTERM)
        self.wait_until_refusing()
        for _ in range(10):
            text.sendall(b"after\n")
            self.assertEqual(b"<after>\n", text.recv(100))
            counted.sendall(len32(b"after"))
            self.assertEqual(b"<after>", receive_len32(counted))
        text.close()
        self.assertTrue(self.daemon.is_running())
        counted.sendall(len32(b"still"))
        self.assertEqual(b"<still>", receive_len32(counted))
        counted.close()
        self.assertEqual(0, self.daemon.wait())
        self.assertEqual(["peer_closed"] * 2, [session["reason"] for session in self.daemon.sessions()])

    def test_a_framed_client_is_told_and_gets_every_reply_in_flight(self):
        self.start()
        client = self.framed()
        self.assertEqual(b"<1>", client.ask(b"1"))
        # Stopped, so that the signal and all the requests are there before it looks at either.
        self.daemon.send_signal(signal.SIGSTOP)
        for i in range(2, 501):
            client.request(b"%d" % i)
        wait_for(lambda: unacknowledged(client.socket) == 0, "the requests to be in the daemon's kernel")
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.send_signal(signal.SIGCONT)
        frames = client.read_until_end()
        *replies, last = frames
        self.assertEqual([(REPLY, i, b"<%d>" % i) for i in range(2, 501)],
                         [(one.type, one.request_id, one.payload) for one in replies])
        self.assertEqual(GOAWAY, last.type)
        self.assertEqual(500, int.from_bytes(last.payload[:4], "big"))
        self.assertEqual(DRAINING, int.from_bytes(last.payload[4:8], "big"))
        client.socket.close()
        self.assertEqual(0, self.daemon.wait())
        self.assertEqual(["draining"], [session["reason"] for session in self.daemon.sessions()])

    def test_those_who_wait_to_be_accepted_are_accepted(self):
        self.start()
        clients = [self.connect() for _ in range(200)]
        self.daemon.send_signal(signal.SIGTERM)
        for client in clients:
            client.sendall(b"here\n")
            self.assertEqual(b"<here>\n", client.recv(100))
            client.close()

    def test_every_state_at_the_deadline(self):
        """One client in each state that a session can be in; each is ended as its state asks, and the log counts them."""
        big = self.folder / "big"
        with open(big, "wb") as file:
            file.truncate(256 << 20)
        self.start("[timeouts]\ndrain = 500ms\nlinger = 300ms\nwrite = 1m\n")

        silent = self.connect()                                    # undecided: has said nothing
        prefix = self.connect()                                    # undecided: FF could become anything
        prefix.sendall(b"\xff")
        idle = self.connect()                                      # text, idle
        idle.sendall(b"hello\n")
        self.assertEqual(b"<hello>\n", idle.recv(100))
        unfinished = self.connect("text")                          # text, a message begun
        unfinished.sendall(b"unfinished")
        counted = self.connect()                                   # len32
        counted.sendall(len32(b"one") + len32(b"two")[:5])
        self.assertEqual(b"<one>", receive_len32(counted))
        framed = self.framed()
        framed.ask(b"1")
        deaf = self.connect("unix")                                # takes no byte of its replies
        self.send_until_full(deaf, b"x" * 1023 + b"\n")
        download = self.connect("files")                           # running
        download.sendall(b"big")
        receive_exactly(download, 100000)
        lingering = self.connect("once")                           # answered and ended; we have not ended our side
        lingering.sendall(b"x\n")
        self.assertEqual(b"x\n", receive_until_end(lingering))
        self.wait_until_served(9)

        began = time.monotonic()
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual([GOAWAY], [one.type for one in framed.read_until_end()])
        self.assertLess(time.monotonic() - began, 0.5, "framed clients are not kept until the deadline")
        self.assertEqual(b"", receive_until_end(silent))
        self.assertEqual("<\xff>".encode("latin1"), receive_until_end(prefix))
        self.assertEqual(b"", receive_until_end(idle))
        self.assertEqual(b"<unfinished>", receive_until_end(unfinished))
        self.assertEqual(b"", receive_until_end(counted))
        with self.assertRaises(ConnectionResetError, msg="a download cut short must not look whole"):
            receive_until_end(download)
        # None of them ends its own side, so each is waited for as long as `linger` says.
        self.assertEqual(0, self.daemon.wait())

        census = {"text": 5, "len32": 1, "framed": 1, "undecided": 2}
        before, = self.daemon.events("draining")
        self.assertEqual({**census, "text": 4}, {name: before[name] for name in census})
        after, = self.daemon.events("drain deadline reached")
        self.assertEqual({**census, "text": 4, "framed": 0}, {name: after[name] for name in census})
        reasons = sorted(session["reason"] for session in self.daemon.sessions())
        self.assertEqual(["close_after"] + ["draining"] * 8, reasons)
        counters = self.daemon.events("counters")[-1]
        self.assertEqual((9, 0, 8, 1),
                         tuple(counters[name] for name in ("accepted", "open", "draining", "close_after")))

    @staticmethod
    def send_until_full(client, line):
        """Until the daemon no longer reads, because we do not."""
        client.settimeout(0.3)
        try:
            while True:
                client.send(line)
        except socket.timeout:
            client.settimeout(60)

    def test_clients_that_never_end_cannot_keep_it(self):
        """Without a linger and without time-outs the end still comes."""
        self.start("[timeouts]\ndrain = 0\nlinger = 0\nwrite = 0\nidle = 0\nmessage = 0\n")
        deaf, idle = self.connect("unix"), self.connect("text")
        self.send_until_full(deaf, b"x" * 1023 + b"\n")
        self.wait_until_served(2)
        self.assertEqual(0, self.daemon.stop())
        self.assertEqual(["draining"] * 2, [session["reason"] for session in self.daemon.sessions()])

    def test_a_client_that_chatters_on_cannot_keep_it(self):
        self.start("[timeouts]\ndrain = 300ms\nlinger = 200ms\n")
        client = self.connect("text")
        self.wait_until_served(1)
        self.daemon.send_signal(signal.SIGTERM)
        replies = 0
        try:
            while True:
                client.sendall(b"and another thing\n")
                if client.recv(100) == b"":
                    break
                replies += 1
        except (ConnectionResetError, BrokenPipeError):
            pass
        client.close()
        self.assertGreater(replies, 0)
        self.assertEqual(0, self.daemon.wait())

    def test_unix_sockets_go_with_the_drain(self):
        self.start()
        self.assertTrue((self.folder / "socket").exists())
        client = self.connect("unix")
        self.wait_until_served(1)
        self.daemon.send_signal(signal.SIGTERM)
        wait_for(lambda: not (self.folder / "socket").exists(), "the path to go")
        client.sendall(b"served\n")
        self.assertEqual(b"served\n", client.recv(100))

    def test_a_second_signal_ends_it_now(self):
        self.start("[timeouts]\ndrain = 10m\n")
        clients = [self.connect(), self.connect("text"), self.connect("once")]
        clients[1].sendall(b"x\n")
        self.assertEqual(b"<x>\n", clients[1].recv(100))
        self.wait_until_served(3)
        self.daemon.send_signal(signal.SIGTERM)
        self.wait_until_refusing()
        self.assertTrue(self.daemon.is_running())
        began = time.monotonic()
        self.assertEqual(0, self.daemon.stop(signal.SIGINT))
        self.assertLess(time.monotonic() - began, 30)
        for client in clients:
            with self.assertRaises(ConnectionResetError):
                receive_until_end(client)
        self.assertEqual(["draining"] * 3, [session["reason"] for session in self.daemon.sessions(3)])
        last = self.daemon.events("counters")[-1]
        self.assertEqual((3, 0, 3), (last["accepted"], last["open"], last["draining"]))

    def test_however_many_signals_come_it_ends_as_it_should(self):
        for first in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            for _ in range(10):
                with Daemon(CONFIG.format(directory=self.folder)) as daemon:
                    # Sent without a pause, they come as fast as Asio reads them, and it goes on reading.
                    while daemon.is_running_after(0.001):
                        for number in (first, signal.SIGUSR1, signal.SIGQUIT, signal.SIGTERM, signal.SIGINT):
                            daemon.send_signal(number)
                    self.assertEqual(0, daemon.wait(), daemon.stderr())


class LameDuck(SignalTest):
    def wait_until_lame(self):
        self.daemon.wait_for_events("lame duck")
        with self.assertRaises(ConnectionRefusedError):
            connect(self.daemon.address())

    def test_goodbyes_are_spread(self):
        self.start("[timeouts]\nlame_duck = 3s\ndrain = 1m\n")
        framed = [self.framed() for _ in range(8)]
        plain = [self.connect("text") for _ in range(8)]
        for client in framed:
            client.ask(b"1")
        self.wait_until_served(16)
        self.daemon.send_signal(signal.SIGQUIT)
        ended = []
        waiting = {client.socket: client for client in framed} | {client: client for client in plain}
        while waiting:
            for ready in select.select(list(waiting), [], [], 60)[0]:
                client = waiting.pop(ready)
                ended.append(time.monotonic())
                if client is ready:
                    self.assertEqual(b"", client.recv(100))
                else:
                    goodbye, = client.read_until_end()
                    self.assertEqual((GOAWAY, 1), (goodbye.type, reason_of(goodbye.payload)))
                ready.close()
        self.assertEqual(0, self.daemon.wait())
        self.assertGreater(ended[-1] - ended[0], 1, "sixteen within three seconds are not all sent away in one")
        census, = self.daemon.events("lame duck")
        self.assertEqual((8, 8), (census["framed"], census["text"]))
        self.assertEqual(["draining"] * 16, [session["reason"] for session in self.daemon.sessions()])

    def test_until_its_turn_everybody_is_served_and_a_second_quit_changes_nothing(self):
        self.start("[timeouts]\nlame_duck = 10m\ndrain = 10m\n")
        framed, text = self.framed(), self.connect("text")
        self.wait_until_served(2)
        self.daemon.send_signal(signal.SIGQUIT)
        self.wait_until_lame()
        self.daemon.send_signal(signal.SIGQUIT)
        self.daemon.counters()  # asked for after it, so it has been heard
        for _ in range(3):
            self.assertEqual(b"<x>", framed.ask(b"x"))
            text.sendall(b"x\n")
            self.assertEqual(b"<x>\n", text.recv(100))
        framed.socket.close()
        text.close()
        self.assertEqual(0, self.daemon.wait())

    def test_term_makes_it_a_drain(self):
        self.start("[timeouts]\nlame_duck = 10m\ndrain = 300ms\n")
        framed, text = self.framed(), self.connect("text")
        framed.ask(b"1")
        self.wait_until_served(2)
        self.daemon.send_signal(signal.SIGQUIT)
        self.wait_until_lame()
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual([GOAWAY], [one.type for one in framed.read_until_end()])
        self.assertEqual(b"", receive_until_end(text))
        framed.socket.close()
        text.close()
        self.assertEqual(0, self.daemon.wait())
        self.daemon.wait_for_events("drain deadline reached")

    def test_a_second_term_ends_it_now(self):
        self.start("[timeouts]\nlame_duck = 10m\ndrain = 10m\n")
        self.connect("text")
        self.wait_until_served(1)
        self.daemon.send_signal(signal.SIGQUIT)
        self.wait_until_lame()
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait_for_events("draining")
        self.assertTrue(self.daemon.is_running())
        self.assertEqual(0, self.daemon.stop(signal.SIGINT))

    def test_without_clients_it_ends_at_once(self):
        self.start("[timeouts]\nlame_duck = 10m\ndrain = 10m\n")
        self.assertEqual(0, self.daemon.stop(signal.SIGQUIT))


class Memory(SignalTest):
    @release_only  # a sanitizer keeps what is freed
    def test_usr1_gives_back_what_a_peak_has_taken(self):
        self.start()
        at_rest = self.daemon.resident_bytes()
        clients = [self.connect("unix") for _ in range(150)]
        for client in clients:
            client.setblocking(False)
        def is_full(client):
            with contextlib.suppress(BlockingIOError):
                client.send(b"x" * 4095 + b"\n")
                return False
            return True
        wait_for(lambda: all([is_full(client) for client in clients]) and
                 self.daemon.resident_bytes() > at_rest + (30 << 20), "the queues to be full")
        for client in clients:
            client.close()
        self.daemon.wait_for_counters(lambda now: now["open"] == 0, "all to have gone")
        wait_for(lambda: self.daemon.counters() and self.daemon.resident_bytes() < at_rest + (15 << 20), "the memory to be back")


class LogFiles(SignalTest):
    def start_logging(self):
        logs = self.folder / "logs"
        logs.mkdir()
        self.log, self.session_log = logs / "log", logs / "sessions"
        # The file is not stderr, where the support looks for the first lines; so it is waited for here.
        config = CONFIG.format(directory=self.folder) + f"[log]\nfile = {self.log}\nsession_file = {self.session_log}\n"
        self.daemon = Daemon(config, log_file=self.log)
        self.enterContext(self.daemon)

    @staticmethod
    def events(path):
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def names(self, path):
        return [event["event"] for event in self.events(path)]

    def test_usr1_reopens_both_after_a_rename(self):
        self.start_logging()
        self.assertEqual(b"x\n", exchange(str(self.folder / "socket"), b"x\n"))
        wait_for(lambda: self.names(self.session_log) == ["session"], "the session line")
        renamed, renamed_sessions = self.log.with_suffix(".1"), self.session_log.with_suffix(".1")
        self.log.rename(renamed)
        self.session_log.rename(renamed_sessions)
        # Still the renamed ones, until told.
        self.assertEqual(b"x\n", exchange(str(self.folder / "socket"), b"x\n"))
        wait_for(lambda: len(self.names(renamed_sessions)) == 2, "the second session line")
        self.assertFalse(self.session_log.exists())

        self.daemon.send_signal(signal.SIGUSR1)
        wait_for(lambda: "counters" in self.names(self.log), "the counters in the new file")
        self.assertEqual(b"x\n", exchange(str(self.folder / "socket"), b"x\n"))
        wait_for(lambda: self.names(self.session_log) == ["session"], "a session line in the new file")
        self.assertEqual(2, len(self.names(renamed_sessions)))
        self.assertNotIn("counters", self.names(renamed))
        self.assertNotIn("session", self.names(renamed) + self.names(self.log))
        self.assertEqual(0o640, self.log.stat().st_mode & 0o777)

    def test_no_level_hides_the_counters(self):
        for level in ("warn", "off"):
            with self.subTest(level), Daemon(CONFIG.format(directory=self.folder) + f"[log]\nlevel = {level}\n", mute=True) as daemon:
                def asked():
                    daemon.send_signal(signal.SIGUSR1)
                    return daemon.stderr()
                wait_for(asked, "the counters")
                so_far = len(daemon.stderr().splitlines())
                daemon.stop()
                lines = [json.loads(line)["event"] for line in daemon.stderr().splitlines()]
                self.assertEqual({"counters"}, set(lines))
                self.assertGreater(len(lines), so_far, "the last ones, too")

    def test_the_counters_add_up(self):
        self.start_logging()
        for _ in range(5):
            exchange(str(self.folder / "socket"), b"x\n")
        waiting = connect(str(self.folder / "socket"))
        wait_for(lambda: len(self.names(self.session_log)) == 5, "five session lines")
        def counted():
            self.daemon.send_signal(signal.SIGUSR1)
            found = [event for event in self.events(self.log) if event["event"] == "counters"]
            return found[-1] if found and found[-1]["open"] == 1 else None
        counters = wait_for(counted, "the counters")
        waiting.close()
        # The times are those since the line before.
        lines = [event for event in self.events(self.log) if event["event"] == "counters"]
        for name in ("turn_us_max", "reply_us_p50", "reply_us_p99"):
            self.assertGreater(max(line[name] for line in lines), 0, name)
        self.assertEqual((6, 5, 10, 10, 5, 5), tuple(counters[name] for name in (
            "accepted", "peer_closed", "bytes_in", "bytes_out", "messages_in", "messages_out")))
        # docs/operations.md says what each field means.
        table = (SOURCE_DIR / "docs" / "operations.md").read_text().split("| field | meaning |")[1].split("\n\n")[0]
        explained = set(re.findall(r"`(\w+)`", table))
        of_upgrades = {"taken_over", "handed_over"}  # left out while there was none
        self.assertEqual(explained - of_upgrades, set(counters) - {"time", "level", "event", "peer_closed"})

    def test_usr1_with_a_folder_that_has_gone_keeps_the_old_file(self):
        self.start_logging()
        moved = self.log.parent.rename(self.folder / "moved")
        self.daemon.send_signal(signal.SIGUSR1)
        wait_for(lambda: self.names(moved / "log").count("log_reopen_failed") == 2, "two failures in the old file")
        wait_for(lambda: self.daemon.stderr().count("log_reopen_failed") == 2, "the same on stderr, which somebody may read")
        self.assertEqual(b"x\n", exchange(str(self.folder / "socket"), b"x\n"))
        wait_for(lambda: "session" in self.names(moved / "sessions"), "the session line in the old file")

    def test_the_text_format(self):
        with Daemon(CONFIG.format(directory=self.folder) + f"[log]\nformat = text\nfile = {self.folder}/log\n",
                    log_file=self.folder / "log", log_format="text") as daemon:
            client = connect(str(self.folder / "socket"))
            client.sendall(b"x\n")
            client.recv(10)
            client.close()
            line = wait_for(lambda: [line for line in (self.folder / "log").read_text().splitlines()
                                     if " session " in line], "the session line")[0]
        self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info session id=\d+ listener=unix peer=unix "
                               r"protocol=text encoding=undecided reason=peer_closed ms=\d+ bytes_in=2 bytes_out=2 "
                               r"messages_in=1 messages_out=1$")


if __name__ == "__main__":
    main()
