"""What the two processes of an upgrade say to each other, with either of them in Python: a fairleadd of another version may be it."""
import contextlib
import fcntl
import os
import pathlib
import signal
import socket
import struct
import subprocess
import unittest

from support import handover
from support.daemon import Daemon, binary, connect
from support.handover import (ANSWER, FRAMED, LEN32, NO_LISTENER, NO_SERVICE, NOT_UNDERSTOOD, READY, REFUSE_ALL, SMALLER_LIMIT,
                              TAKEN, TEXT, UNDECIDED, Channel, batch, channel, field, fields_of, go, hello, message, session)
from support.held import listening
from support.peers import PREFACE, REPLY, frame, len32, receive_exactly, receive_until_end
from support.runner import main
from support.upgrading import Generation, UpgradeTest, balance, fake_taker
from support.waiting import DEADLINE

CONFIG = """
[listener.main]
bind = {}:{}
service = echo
services = echo, second
[service.echo]
type = echo
boundary = line
pause = 1m
[service.second]
type = echo
boundary = line
[timeouts]
upgrade = {}
"""
LAST_ID = 1000


class Giving(unittest.TestCase):
    """The test is the old process; the new one is a fairleadd."""

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def begin(self, words=b"", upgrade="30s"):
        """A listening socket, a channel on which something has been said already, and the new process."""
        self.held = self.stack.enter_context(listening())
        ours, theirs = socket.socketpair()
        ours.settimeout(DEADLINE)
        self.stack.enter_context(ours)
        self.channel = Channel(ours)
        self.channel.send(words or hello() + go(LAST_ID))
        number = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD_CLOEXEC, 200)  # out of the way of the listening sockets
        theirs.close()
        self.daemon = Daemon(CONFIG.format(*self.held.getsockname(), upgrade), inherited=[("main", self.held)], passed=[number],
                             environment={"FAIRLEAD_UPGRADE": str(number)})
        try:
            self.stack.enter_context(self.daemon)
        finally:
            os.close(number)

    def ready(self):
        return struct.unpack(">H", dict(self.channel.receive(READY))[0x8001])[0]

    def pair(self):
        """A client, and what an old process that has accepted it would have."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = self.stack.enter_context(connect(server.getsockname()))
            accepted, _ = server.accept()
            accepted.setblocking(False)  # as a daemon's are
            return client, self.stack.enter_context(accepted)

    def give(self, *sessions, number=1):
        """Their verdicts; (record, accepted) each."""
        self.channel.send(batch(number, [record for record, _ in sessions]), [accepted.fileno() for _, accepted in sessions])
        said = dict(self.channel.receive(ANSWER))
        self.assertEqual(number, struct.unpack(">I", said[0x8001])[0])
        for _, accepted in sessions:
            accepted.close()
        return list(said[0x8002])

    def record(self, client, protocol=TEXT, number=7, **more):
        if protocol == TEXT:
            more.setdefault("channels", [channel(0, "echo", "echo", 3)])
        return session(number, client.getsockname(), protocol, **more)

    def served(self):
        with connect(self.held.getsockname()) as client:
            client.sendall(b"x\n")
            self.assertEqual(b"x\n", receive_exactly(client, 2))

    def test_it_serves_what_it_is_given(self):
        self.begin()
        self.assertEqual(1, self.ready())
        text, measured, framed, undecided = (self.pair() for _ in range(4))
        verdicts = self.give(
            (self.record(text[0], more=field(0x800c, b"hal") + field(0x800d, b"output\n") + field(0x0006, struct.pack(">Q", 86_400_000)) +
                         field(0x000a, struct.pack(">4Q", 10, 20, 3, 4))), text[1]),
            (self.record(measured[0], LEN32, 8, channels=[channel(0, "echo", "echo")], more=field(0x800c, len32(b"12345")[:6])),
             measured[1]),
            (self.record(framed[0], FRAMED, 9, channels=[channel(0, "echo", "echo"), channel(5, "second", "echo")],
                         more=field(0x8010, struct.pack(">IIBB", 41, 0, 1, 0))), framed[1]),
            (self.record(undecided[0], UNDECIDED, 10, more=field(0x800c, PREFACE[:2])), undecided[1]))
        self.assertEqual([TAKEN] * 4, verdicts)
        self.channel.send(message(handover.DONE))
        took, = self.daemon.wait_for_events("took_over")
        self.assertEqual((4, 1), (took["sessions"], took["listeners"]))
        self.assertEqual(os.getpid(), self.daemon.events("takes_over")[0]["from"])
        self.assertEqual(b"output\n", receive_exactly(text[0], 7))
        text[0].sendall(b"f\n")
        self.assertEqual(b"half\n", receive_exactly(text[0], 5))
        measured[0].sendall(len32(b"12345")[6:])
        self.assertEqual(len32(b"12345"), receive_exactly(measured[0], 9))
        framed[0].sendall(frame(5, b"x", 5, 42))
        self.assertEqual(frame(REPLY, b"x", 5, 42), receive_exactly(framed[0], 13))
        undecided[0].sendall(PREFACE[2:])
        self.assertEqual(PREFACE, receive_exactly(undecided[0], 8))
        self.served()
        counters = self.daemon.counters()
        self.assertEqual((1, 4, 0), (counters["accepted"], counters["taken_over"], balance(counters)))
        text[0].close()
        line, = self.daemon.wait_for_events("session", 1, lambda line: line["id"] == 7)
        self.assertEqual((12, 32, 4, 5), tuple(line[name] for name in ("bytes_in", "bytes_out", "messages_in", "messages_out")))
        self.assertGreaterEqual(line["ms"], 86_400_000)
        newcomer, = self.daemon.wait_for_events("session", 1, lambda line: line["id"] > LAST_ID)
        self.assertEqual(LAST_ID + 1, newcomer["id"])

    def test_what_it_does_not_know_or_has_no_place_for(self):
        self.begin()
        self.ready()
        wrong = {
            "a field of a later version, to be skipped": ({"more": field(0x0123, b"?")}, TAKEN),
            "one that must not be skipped": ({"more": field(0x8123, b"?")}, NOT_UNDERSTOOD),
            "a field that is not whole": ({"more": b"\0"}, NOT_UNDERSTOOD),
            "another protocol": ({"protocol": 9}, NOT_UNDERSTOOD),
            "no such listener": ({"listener": "none"}, NO_LISTENER),
            "no such service": ({"channels": [channel(0, "none", "echo")]}, NO_SERVICE),
            "another type": ({"channels": [channel(0, "echo", "reply")]}, NO_SERVICE),
            "longer messages": ({"message_max": (1 << 20) + 1}, SMALLER_LIMIT),
        }
        clients = [self.pair() for _ in wrong]
        verdicts = self.give(*((self.record(client, number=number, **what), accepted)
                               for number, ((client, accepted), (what, _)) in enumerate(zip(clients, wrong.values()), 1)))
        self.assertEqual([verdict for _, verdict in wrong.values()], verdicts)
        client, accepted = self.pair()
        self.assertEqual([TAKEN], self.give((self.record(client, number=50), accepted), number=2))
        self.channel.send(message(handover.DONE))
        self.assertEqual(2, self.daemon.wait_for_events("took_over")[0]["sessions"])
        for (client, _), verdict in zip(clients, verdicts):
            client.sendall(b"x\n")
            # Our end of the refused ones is closed, and so must be theirs.
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(b"x\n" if verdict == TAKEN else b"", client.recv(10))

    def test_damage_behind_GO(self):
        """The sessions stay; it serves, because nobody else accepts."""
        self.begin()
        self.ready()
        client, accepted = self.pair()
        damaged = bytearray(batch(1, [self.record(client)]))
        damaged[20] ^= 1
        self.channel.send(bytes(damaged), [accepted.fileno()])
        self.assertEqual(bytes([6]), dict(self.channel.receive(REFUSE_ALL))[0x8001])
        self.daemon.wait_for_events("took_over")
        self.served()
        accepted.sendall(b"still ours\n")
        self.assertEqual(b"still ours\n", receive_exactly(client, 11))

    def test_no_version_in_common(self):
        self.begin(hello(2, 3) + go(LAST_ID) + message(handover.DONE))
        self.assertEqual(0, self.ready())
        self.daemon.wait_for_events("took_over")
        self.served()

    def test_the_old_one_dies_before_it_has_said_anything(self):
        """Then the new one is all there is."""
        self.held = self.stack.enter_context(listening())
        ours, theirs = socket.socketpair()
        number = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD_CLOEXEC, 200)
        for end in (ours, theirs):
            end.close()
        self.daemon = Daemon(CONFIG.format(*self.held.getsockname(), "30s"), inherited=[("main", self.held)], passed=[number],
                             environment={"FAIRLEAD_UPGRADE": str(number)})
        with self.daemon:
            os.close(number)
            self.served()

    def test_the_old_one_dies_in_the_middle(self):
        self.begin()
        self.ready()
        first, second = self.pair(), self.pair()
        self.assertEqual([TAKEN], self.give((self.record(first[0]), first[1])))
        torn = batch(2, [self.record(second[0])])
        self.channel.send(torn[:len(torn) - 1], [second[1].fileno()])
        second[1].close()
        self.channel.socket.close()
        self.daemon.wait_for_events("took_over")
        first[0].sendall(b"x\n")
        self.assertEqual(b"x\n", receive_exactly(first[0], 2))
        self.assertEqual(b"", receive_until_end(second[0]))
        self.served()

    def test_a_stop_in_the_middle(self):
        """It ends what it has taken, and leaves the rest."""
        self.begin()
        self.ready()
        first, second = self.pair(), self.pair()
        self.assertEqual([TAKEN], self.give((self.record(first[0]), first[1])))
        first[0].sendall(b"x\n")
        self.assertEqual(b"x\n", receive_exactly(first[0], 2))
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(b"", receive_until_end(first[0]))
        first[0].close()
        self.assertEqual(0, self.daemon.wait())
        with self.assertRaises((EOFError, ConnectionError)):
            self.channel.send(batch(2, [self.record(second[0])]), [second[1].fileno()])
            self.channel.receive(ANSWER)
        second[1].sendall(b"still ours\n")
        self.assertEqual(b"still ours\n", receive_exactly(second[0], 11))
        line, = self.daemon.sessions(1)
        self.assertEqual(("draining", 7), (line["reason"], line["id"]))

    def test_a_channel_that_is_none(self):
        for value in ("x", "-1", "2", "999", ""):
            with self.subTest(value):
                done = subprocess.run([binary(), "--listen", "127.0.0.1:0"], env={**os.environ, "FAIRLEAD_UPGRADE": value},
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
                self.assertEqual(1, done.returncode)
                self.assertRegex(done.stderr, rf"^fairleadd: FAIRLEAD_UPGRADE={value} is no channel .*; unset it\n$")

    def fails_to_start(self, words, upgrade="30s"):
        with self.assertRaisesRegex(AssertionError, "did not start"):
            self.begin(words, upgrade)

    def test_nonsense_before_GO_ends_it(self):
        for words in (b"\xff" * 100, hello()[:-1] + b"x", go(LAST_ID), hello() + batch(1, [b"x"]), hello() + hello()):
            with self.subTest(words):
                self.fails_to_start(words)

    def test_silence_ends_it(self):
        self.fails_to_start(hello()[:5], "300ms")


class Taking(UpgradeTest):
    """The test's program is the new process; the old one is a fairleadd."""

    def test_what_it_tells(self):
        self.start()
        text, framed = self.connect("lines"), self.framed("main")
        self.says(text, b"one\n", b"one\n")
        text.sendall(b"hal")
        framed.ask(b"")
        framed.open(9, "counted")
        framed.ask(b"first", 9)
        self.wait_until_received(4 + 3 + len(PREFACE) + 12 + 12 + 7 + 12 + 5)
        self.daemon.put_program(fake_taker(
            "taker = Taker()\ntaker.begin()\nseen = 0\nwhile seen < 2:\n  number, records = taker.receive_batch()\n  seen += len(records)\n"
            "  for each in records:\n    taker.note('record ' + each.hex())\n  taker.send(answer(number, [2] * len(records)))\n"
            "taker.receive(DONE)\ntaker.hang()"))
        told = self.daemon.ask_for_upgrade()
        fake = Generation(told["to"])
        self.daemon.generations.append(fake)
        fake.may_fail = True
        said = pathlib.Path(f"{self.daemon.program}.said").read_text().splitlines()
        records = {dict(fields)[0x8002]: fields for fields in
                   (fields_of(bytes.fromhex(line.split()[1])) for line in said if line.startswith("record "))}
        told_text, told_framed = dict(records[b"lines"]), records[b"main"]
        self.assertEqual(b"\x01", told_text[0x8003], "the listener speaks text")
        self.assertEqual(struct.pack(">BH", 1, text.getsockname()[1]) + b"\x7f\0\0\1", told_text[0x8004])
        self.assertEqual((bytes([TEXT]), b"hal"), (told_text[0x8005], told_text[0x800c]))
        self.assertEqual((7, 4, 1, 1), struct.unpack(">4Q", told_text[0x000a]))
        self.assertEqual(1 << 20, struct.unpack(">I", told_text[0x800b])[0])
        self.assertEqual(bytes([FRAMED]), dict(told_framed)[0x8005])
        self.assertEqual((3, 0, 1), struct.unpack(">IIBB", dict(told_framed)[0x8010])[:3])
        channels = [dict(fields_of(value)) for tag, value in told_framed if tag == 0x8011]
        self.assertEqual([(0, b"answers", b"reply", 1), (9, b"counted", b"echo", 1)],
                         [(struct.unpack(">H", each[0x8001])[0], each[0x8002], each[0x8003], struct.unpack(">I", each[0x0004])[0])
                          for each in channels])
        self.says(text, b"f\n", b"half\n")
        text.close()
        framed.socket.close()
        self.assertEqual(0, self.daemon.previous.wait())
        fake.kill()


if __name__ == "__main__":
    main()
