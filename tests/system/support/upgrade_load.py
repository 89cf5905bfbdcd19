"""Clients of every protocol in one epoll loop, as many as a daemon is upgraded under: some talk all the time, some rest, some come and
go. Each reply is foretold byte by byte, so one that is lost, doubled or out of order is found at once."""
import resource
import select
import socket
import time

from .crowd import connect_as
from .peers import MESSAGE, OPEN, OPENED, PREFACE, REPLY, frame, len32, receive_exactly
from .waiting import DEADLINE

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
services = echo, other
[listener.chinese]
bind = 127.0.0.1:0
protocol = text
service = chinese
[service.echo]
type = echo
boundary = line
[service.other]
type = echo
boundary = line
[service.chinese]
type = reply
boundary = line
text = 收到 {text}
"""
CHANNEL = 3


class Text:
    listener = "main"

    def __init__(self, client):
        pass

    @staticmethod
    def exchange(number):
        """A message, and the reply to it."""
        line = b"%d of a client that speaks in lines\n" % number
        return line, line


class Gbk(Text):
    listener = "chinese"

    @staticmethod
    def exchange(number):
        return f"第{number}句\n".encode("gbk"), f"收到 第{number}句\n".encode("gbk")


class Len32(Text):
    @staticmethod
    def exchange(number):
        message = len32(b"message %d" % number)
        return message, message


class Framed(Text):
    """On two channels in turn."""

    def __init__(self, client):
        client.sendall(PREFACE + frame(OPEN, b"other", CHANNEL, 1))
        receive_exactly(client, len(PREFACE))
        size = int.from_bytes(receive_exactly(client, 12)[:4], "big")
        receive_exactly(client, size)  # HELLO
        if receive_exactly(client, 12) != frame(OPENED, b"", CHANNEL, 1):
            raise AssertionError("the channel was not opened")

    @staticmethod
    def exchange(number):
        channel, payload = CHANNEL * (number % 2), b"request %d" % number
        return frame(MESSAGE, payload, channel, number + 2), frame(REPLY, payload, channel, number + 2)


KINDS = (Text, Gbk, Len32, Framed)


class Client:
    """Sends by say(), and takes what comes by read()."""

    def __init__(self, addresses, number):
        kind = KINDS[number % len(KINDS)]
        self.number = number
        self.socket = connect_as(addresses[kind.listener], number)
        self.socket.settimeout(DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._exchange = kind(self.socket).exchange
        self.said = 0
        self.owed = b""  # what is to come yet
        self.socket.setblocking(False)

    def say(self):
        message, reply = self._exchange(self.said)
        if self.socket.send(message) != len(message):
            raise AssertionError(f"client {self.number}: a small message did not fit")
        self.said += 1
        self.owed += reply

    def read(self):
        """False: the server has ended the connection."""
        received = self.socket.recv(65536)
        if not received:
            return False
        if not self.owed.startswith(received):
            raise AssertionError(f"client {self.number} ({type(self).__name__}) behind {self.said} messages: "
                                 f"{received[:200]!r} in place of {self.owed[:200]!r}")
        self.owed = self.owed[len(received):]
        return True


def allow_many_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Held:
    def __init__(self, addresses, numbers):
        self.clients = [Client(addresses, number) for number in numbers]
        self._by_descriptor = {client.socket.fileno(): client for client in self.clients}
        self._poller = select.epoll()
        for descriptor in self._by_descriptor:
            self._poller.register(descriptor, select.EPOLLIN)

    def hear(self, seconds):
        for descriptor, _ in self._poller.poll(seconds):
            client = self._by_descriptor[descriptor]
            try:
                is_there = client.read()
            except OSError as problem:
                raise AssertionError(f"client {client.number} behind {client.said} messages: {problem}") from problem
            if not is_there:
                raise AssertionError(f"client {client.number} behind {client.said} messages: the server has ended it")

    def leave(self):
        """How many messages they have said."""
        for client in self.clients:
            client.socket.close()
        self._poller.close()
        return sum(client.said for client in self.clients)

    def hear_all(self):
        """Until nothing is owed."""
        end = time.monotonic() + DEADLINE
        while owing := [client for client in self.clients if client.owed]:
            if time.monotonic() > end:
                raise AssertionError(f"{len(owing)} clients wait for replies, one of them for {owing[0].owed[:200]!r}")
            self.hear(0.1)


def hold(addresses, talking, resting, rate, pipe):
    """So many clients of each kind; those that talk send `rate` messages a second together, in turn, however many replies each waits
    for. A word of the test: the resting ones say something each, and have their replies. "stop": the last one; the counts come back."""
    allow_many_descriptors()
    talkers, resters = _Held(addresses, range(talking)), _Held(addresses, range(talking, talking + resting))
    for held in (talkers, resters):
        for client in held.clients:
            client.say()
        held.hear_all()
    pipe.send("held")
    said, began, word = 0, time.monotonic(), None
    while word != "stop":
        talkers.hear(0.002)
        due = int(rate * (time.monotonic() - began))
        for _ in range(min(due - said, talking)):
            talkers.clients[said % talking].say()
            said += 1
        if due > said + rate:  # the machine was elsewhere for a second
            began, said = time.monotonic(), 0
        if pipe.poll():
            word = pipe.recv()
            resters.hear(0)  # nothing has come unasked
            for client in resters.clients:
                client.say()
            resters.hear_all()
            if word != "stop":
                pipe.send("all there")
    talkers.hear_all()
    pipe.send({"talking": talkers.leave(), "resting": resters.leave()})


def come_and_go(address, rate, pipe):
    """So many clients a second, until told to stop: each says one line, has it back, and leaves. Their number, the seconds, the longest
    wait; one that is refused, reset or answered wrongly ends it."""
    allow_many_descriptors()
    poller = select.epoll()
    waiting = {}  # descriptor: (socket, line, when)
    begun, served, waited_max, began = 0, 0, 0.0, time.monotonic()

    def hear(seconds):
        nonlocal served, waited_max
        for descriptor, _ in poller.poll(seconds):
            client, line, when = waiting.pop(descriptor)
            received = client.recv(100)
            if received != line:
                raise AssertionError(f"visitor {served}: {received!r} in place of {line!r}")
            waited_max = max(waited_max, time.monotonic() - when)
            served += 1
            client.close()

    while not pipe.poll():
        hear(min(0.01, max(0.0, began + begun / rate - time.monotonic())))
        for _ in range(min(100, int((time.monotonic() - began) * rate) - begun)):
            when, line = time.monotonic(), b"visit %d\n" % begun
            client = connect_as(address, begun)
            client.sendall(line)
            waiting[client.fileno()] = client, line, when
            poller.register(client.fileno(), select.EPOLLIN)
            begun += 1
    seconds, end = time.monotonic() - began, time.monotonic() + DEADLINE
    while waiting:
        if time.monotonic() > end:
            raise AssertionError(f"{len(waiting)} visitors wait for their replies")
        hear(0.1)
    poller.close()
    pipe.send({"served": served, "seconds": seconds, "waited_max": waited_max})
