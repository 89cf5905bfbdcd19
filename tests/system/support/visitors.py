"""Clients that come, do one thing, well or badly, and go; and count what they did. What they do is chosen by a seed."""
import collections
import contextlib
import random
import socket
import struct

from .crowd import connect_as
from .peers import MESSAGE, PREFACE, REPLY, frame, frames_of, len32, receive_until_end
from .waiting import DEADLINE
from .worker import Worker

WORKERS = 4
BYTES_MAX = 60000  # of one visit: fits into the kernel's buffers, so that nobody has to read while he sends

# What a visit that ends in an orderly way looks like from both sides: `replies` are the bytes of all of them, where they can
# be known; `reason` is the one that it must be counted under.
Visit = collections.namedtuple("Visit", "listener data messages replies reason")


def _some_bytes(chance):
    return chance.randbytes(chance.choice([1, 2, 3, 7, 30, 200, 1000, 5000]))


def _line(chance):
    """A message that a newline ends, and nothing else."""
    letters = b"abcdefghij \xe4\xbd\xa0"
    return bytes(chance.choices(letters, k=chance.choice([1, 5, 80, 1000, 5000]))) + b"\n"


def _messages(chance, encode):
    messages = []
    while not messages or (chance.random() < 0.7 and sum(map(len, messages)) < BYTES_MAX - 6000):
        messages.append(encode(len(messages) + 1))
    return messages


def _lines(chance):
    lines = _messages(chance, lambda _: _line(chance))
    return Visit(chance.choice(["text", "any"]), b"".join(lines), len(lines), b"".join(lines), "peer_closed")


def _counted(chance):
    messages = _messages(chance, lambda _: len32(_some_bytes(chance)))
    half = len32(_some_bytes(chance))[:chance.randrange(5)] if chance.random() < 0.5 else b""
    data = b"".join(messages)
    return Visit(chance.choice(["len32", "any"]), data + half, len(messages), data, "peer_closed")


def _framed(chance):
    messages = _messages(chance, lambda number: frame(MESSAGE, _some_bytes(chance), request_id=number))
    half = frame(MESSAGE, b"not all of it", request_id=1000)[:chance.randrange(20)] if chance.random() < 0.5 else b""
    return Visit(chance.choice(["framed", "any"]), PREFACE + b"".join(messages) + half, len(messages), None, "peer_closed")


def _nothing(chance):
    return Visit(chance.choice(["any", "text", "len32", "framed"]), b"", 0, b"", "eof_before_data")


def _wrong_protocol(chance):
    return chance.choice([
        Visit("any", b"\x16\x03\x01\x02\x00\x01\x00", 0, None, "protocol_error"),
        Visit("framed", b"GET / HTTP/1.1\r\n\r\n", 0, None, "protocol_error"),
        Visit("framed", len32(b"hello"), 0, None, "protocol_error"),
        Visit("len32", b"GET / HTTP/1.1\r\n\r\n", 0, None, "message_too_big"),
        Visit("any", PREFACE + frame(0x7f, _some_bytes(chance)), 0, None, "protocol_error"),
        Visit("framed", PREFACE + frame(MESSAGE, b"x", request_id=1, flags=1), 0, None, "protocol_error"),
        Visit("any", PREFACE[:4] + b"\2\0\0\0" + _some_bytes(chance), 0, None, "protocol_error"),
    ])


ORDERLY = (_lines, _counted, _framed, _nothing, _wrong_protocol)


def _visit_orderly(address_of, number, chance, counted):
    """Says what it has to say, ends its side, and reads to the end; all of it can be counted exactly."""
    visit = chance.choice(ORDERLY)(chance)
    with connect_as(address_of[visit.listener], number) as client:
        client.sendall(visit.data)
        client.shutdown(socket.SHUT_WR)
        received = receive_until_end(client)
    if visit.replies is not None and received != visit.replies:
        raise AssertionError(f"{visit}: {received[:100]!r}... of {len(received)} bytes")
    if visit.data.startswith(PREFACE) and visit.messages:
        answers = [(one.type, one.request_id) for one in frames_of(received)[1:]]
        if answers != [(REPLY, number) for number in range(1, visit.messages + 1)]:
            raise AssertionError(f"{visit}: {answers}")
    counted.update({"accepted": 1, visit.reason: 1, "bytes_in": len(visit.data), "bytes_out": len(received),
                    "messages_in": visit.messages})


def _reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _visit_rudely(address_of, number, chance, counted):
    """Breaks off somewhere; only the connection itself can be counted."""
    said = chance.choice(ORDERLY)(chance)
    data = said.data + _line(chance) * chance.choice([0, 0, 10])
    if chance.random() < 0.3:
        data = chance.randbytes(chance.choice([1, 5, 100, 5000]))
    with connect_as(address_of[chance.choice(["any", "text", "len32", "framed", said.listener])], number) as client:
        counted["accepted"] += 1
        # The server may have had enough of it before we have.
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            client.sendall(data[:chance.randrange(len(data) + 1)])
            if chance.random() < 0.3:
                client.shutdown(socket.SHUT_WR)
            if chance.random() < 0.3:
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    client.recv(chance.choice([1, 100, 65536]))
        if chance.random() < 0.4:
            _reset(client)


def _work(address_of, numbers, seed, rude_share, pipe):
    counted = collections.Counter()
    for number in numbers:
        chance = random.Random(f"{seed} {number}")  # so that a visit does not depend on those before it
        visit = _visit_rudely if chance.random() < rude_share else _visit_orderly
        try:
            visit(address_of, number, chance, counted)
        except BaseException as problem:
            raise AssertionError(f"visit {number} of seed {seed}") from problem
    pipe.send(counted)


def come_and_go(address_of, numbers, seed, rude_share):
    """One visit for each of the numbers, four at a time; what they have counted together."""
    counted = collections.Counter()
    with contextlib.ExitStack() as workers:
        visitors = [workers.enter_context(Worker(_work, address_of, numbers[share::WORKERS], seed, rude_share))
                    for share in range(WORKERS)]
        for worker in visitors:
            counted.update(worker.hear(4 * DEADLINE + len(numbers) / 100))
    return counted
