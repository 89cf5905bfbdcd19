"""Many small requests to a file server, whose answers are counted and not looked at further."""
import os
import re
import select
import socket
import struct

from programs import GENERATOR_CORE, BenchError

PREFACE = b"\xffFLD\x01\0\0\0"
HELLO, ERROR, GET, END, HASH, HASHES = 0x01, 0x07, 0x24, 0x27, 0x28, 0x29
HTTP_CLOSE = b"GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
ANY_IDENTITY, ALL = bytes(40), 2**64 - 1


def frame(kind, number, payload):
    return struct.pack(">IBBHI", len(payload), kind, 0, 0, number) + payload


def get_frame(number, name):
    """For the whole file (docs/protocol.md)."""
    return frame(GET, number, struct.pack(">QQ", 0, ALL) + ANY_IDENTITY + name)


def hash_frame(number, name):
    return frame(HASH, number, struct.pack(">QI", 0, 0) + ANY_IDENTITY + name)


class Clients:
    """Connections that ask and wait for the answers; a context manager. Runs on the generator's core meanwhile."""

    def __init__(self, port, connections):
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
        self._asked = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self._sockets:
            one.close()

    def run(self, each, depth, request):
        """Each connection asks so many times, for `depth` answers at a time; request(number) is what it sends."""
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {GENERATOR_CORE})
        try:
            self._run(each, depth, request)
        finally:
            os.sched_setaffinity(0, cores)

    def _run(self, each, depth, request):
        first = self._asked + 1
        self._asked += each
        poller, waiting = select.epoll(), {}
        for one in self._sockets:
            poller.register(one, select.EPOLLIN)
            waiting[one.fileno()] = [one, b"", 0, 0]  # what has come of an answer, asked, answered

        def ask(state):
            until = min(each, state[2] + depth)
            state[0].sendall(b"".join(request(first + number) for number in range(state[2], until)))
            state[2] = until
        for state in waiting.values():
            ask(state)
        while waiting:
            for descriptor, _ in poller.poll():
                state = waiting[descriptor]
                data = state[0].recv(1 << 20)
                if not data:
                    raise BenchError("a connection ended early")
                answers, state[1] = self.answers_in(state[1] + data)
                state[3] += answers
                if state[3] == each:
                    poller.unregister(descriptor)
                    del waiting[descriptor]
                elif state[3] == state[2]:
                    ask(state)


class FramedClients(Clients):
    """A framed conversation each."""

    def __init__(self, port, connections):
        super().__init__(port, connections)
        for one in self._sockets:
            one.sendall(PREFACE)
            said = b""
            while len(said) < 20 or len(said) < 20 + struct.unpack(">I", said[8:12])[0]:
                said += one.recv(4096)

    @staticmethod
    def answers_in(data):
        answers, at = 0, 0
        while len(data) >= at + 12:
            length, kind = struct.unpack(">IB", data[at:at + 5])
            if len(data) < at + 12 + length:
                break
            if kind == ERROR:
                raise BenchError(f"an error instead of an answer: {data[at + 16:at + 12 + length]!r}")
            answers += kind in (END, HASHES)
            at += 12 + length
        return answers, data[at:]


class HttpClients(Clients):
    """HTTP with keep-alive."""

    @staticmethod
    def answers_in(data):
        answers, at = 0, 0
        while (end := data.find(b"\r\n\r\n", at)) >= 0:
            after = end + 4 + int(re.search(rb"Content-Length: (\d+)", data[at:end])[1])
            if len(data) < after:
                break
            answers += 1
            at = after
        return answers, data[at:]
