"""TERM at a random moment, while framed clients have requests on their way: each request is answered once, or lies beyond
the last one that GOAWAY names. The moment is a number of replies, drawn from the seed of the round."""
import random
import select
import signal
import time
import unittest

from support.daemon import Daemon
from support.peers import DRAINING, GOAWAY, HELLO, MESSAGE, PREFACE, REPLY, frame, reason_of
from support.runner import main
from support.waiting import DEADLINE

CLIENTS = 500
IN_FLIGHT = 16

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
protocol = framed
service = echo
[service.echo]
type = echo
[timeouts]
drain = 1m
linger = 1m
"""


class Client:
    """Keeps its requests in flight until it is told to go away; judges every frame as it comes."""

    def __init__(self, connection, payload_bytes):
        self.socket = connection
        self.socket.setblocking(False)
        self._padding = b"x" * payload_bytes
        self._received = b""
        self._unsent = PREFACE
        self._has_preface = self._has_hello = False
        self.sent = self.answered = 0
        self.goaway = None  # the last request that the daemon says it has executed
        self.ended = False
        for _ in range(IN_FLIGHT):
            self._ask()

    def _payload(self, number):
        return b"%d " % number + self._padding

    def _ask(self):
        self.sent += 1
        self._unsent += frame(MESSAGE, self._payload(self.sent), request_id=self.sent)

    def send(self):
        """True: some of it did not fit."""
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent):] if self._unsent else b""
        except BlockingIOError:
            pass
        return bool(self._unsent)

    def receive(self):
        """The number of replies that have come."""
        before = self.answered
        try:
            part = self.socket.recv(1 << 16)
        except BlockingIOError:
            return 0
        self.ended = not part
        self._received += part
        at = 0
        if not self._has_preface and len(self._received) >= len(PREFACE):
            self._expect(self._received.startswith(PREFACE), "another preface")
            self._has_preface, at = True, len(PREFACE)
        while self._has_preface and len(self._received) - at >= 12:
            length = int.from_bytes(self._received[at:at + 4], "big")
            if len(self._received) - at < 12 + length:
                break
            self._take(self._received[at + 4], int.from_bytes(self._received[at + 8:at + 12], "big"),
                       self._received[at + 12:at + 12 + length])
            at += 12 + length
        self._received = self._received[at:]
        self._expect(not self.ended or not self._received, "ended within a frame")
        return self.answered - before

    def _take(self, kind, request_id, payload):
        self._expect(self.goaway is None, "a frame behind GOAWAY")
        if not self._has_hello:
            self._expect(kind == HELLO, "no HELLO")
            self._has_hello = True
        elif kind == GOAWAY:
            self.goaway = reason_of(payload)
            self._expect(reason_of(payload[4:]) == DRAINING, "another reason than draining")
            self._unsent = b""
        else:
            self.answered += 1
            self._expect((kind, request_id, payload) == (REPLY, self.answered, self._payload(self.answered)),
                         f"frame {kind} for {request_id} instead of reply {self.answered}")
            self._ask()

    @staticmethod
    def _expect(condition, what):
        if not condition:
            raise AssertionError(what)


class RandomStop(unittest.TestCase):
    rounds = 10

    def test_every_request_is_answered_once_or_covered_by_goaway(self):
        for seed in range(1, self.rounds + 1):
            with self.subTest(seed=seed):
                self.check_round(random.Random(seed))

    def check_round(self, dice):
        payload_bytes = dice.choice([0, 50, 3000])
        limits = f"[limits]\nqueue_soft = {dice.choice([1000, 20000, 262144])}\nrequests_per_turn = {dice.choice([1, 5, 64])}\n"
        stop_after = dice.randrange(4 * CLIENTS * IN_FLIGHT)
        with Daemon(CONFIG + limits) as daemon:
            clients = [Client(daemon.connect(), payload_bytes) for _ in range(CLIENTS)]
            try:
                self.talk(clients, stop_after, daemon)
            finally:
                for client in clients:
                    client.socket.close()
            self.assertEqual(0, daemon.wait())
            self.judge(clients, daemon)

    def talk(self, clients, stop_after, daemon):
        """Until every client has seen its end."""
        deadline = time.monotonic() + DEADLINE
        by_descriptor = {client.socket.fileno(): client for client in clients}
        replies, stopped = 0, False
        with select.epoll() as poller:
            for descriptor, client in by_descriptor.items():
                poller.register(descriptor, select.EPOLLIN | (select.EPOLLOUT if client.send() else 0))
            while by_descriptor:
                if not stopped and replies >= stop_after:
                    daemon.send_signal(signal.SIGTERM)
                    stopped = True
                self.assertLess(time.monotonic(), deadline, f"{len(by_descriptor)} clients wait for their end")
                for descriptor, _ in poller.poll(1):
                    client = by_descriptor[descriptor]
                    replies += client.receive()
                    if client.ended:
                        poller.unregister(descriptor)
                        client.socket.close()
                        del by_descriptor[descriptor]
                        continue
                    poller.modify(descriptor, select.EPOLLIN | (select.EPOLLOUT if client.send() else 0))

    def judge(self, clients, daemon):
        for client in clients:
            self.assertEqual(client.answered, client.goaway, "GOAWAY names the last request that was answered")
            self.assertLessEqual(client.goaway, client.sent)
        counters = daemon.events("counters")[-1]
        executed = sum(client.answered for client in clients)
        self.assertEqual((CLIENTS, 0, CLIENTS, executed),
                         tuple(counters[name] for name in ("accepted", "open", "draining", "messages_in")))


if __name__ == "__main__":
    main()
