"""One address that opens connections as fast as it can, in a process of its own, and counts what it is told."""
import collections
import select
import socket
import time

from .crowd import IP_BIND_ADDRESS_NO_PORT
from .waiting import DEADLINE
from .worker import Worker

# Fewer than any backlog: what the kernel says it has connected has then a place in the queue, and will be accepted.
UNANSWERED_MAX = 1000

# `seconds` until the last had connected, `answered` until it had been told.
Flooded = collections.namedtuple("Flooded", "told seconds answered")


def _flood(address, source, count, rate, leaves, pipe):
    """Everybody gets a line, of refusal or of welcome. With `leaves`, who is welcome leaves at once; else it stays."""
    poller = select.epoll()
    waiting, staying, told = {}, [], collections.Counter()
    began = time.monotonic()
    deadline = began + 2 * DEADLINE

    def take_answers(wait):
        for descriptor, _ in poller.poll(wait):
            client, received = waiting[descriptor]
            received += client.recv(4096)
            if not received.endswith(b"\n"):
                if received == waiting[descriptor][1]:
                    raise AssertionError(f"ended without a line: {received!r}")
                waiting[descriptor] = client, received
                continue
            line = received.decode().strip()
            told[line] += 1
            del waiting[descriptor]
            poller.unregister(client)
            if line == "welcome" and not leaves:
                staying.append(client)
            else:
                client.close()
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(waiting)} clients were told nothing")

    for number in range(count):
        ahead = began + number / rate - time.monotonic()
        take_answers(max(0.0, ahead))
        while len(waiting) >= UNANSWERED_MAX:
            take_answers(0.1)
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        client.settimeout(DEADLINE)
        client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind((source, 0))
        client.connect(address)
        waiting[client.fileno()] = client, b""
        poller.register(client, select.EPOLLIN)
    seconds = time.monotonic() - began
    while waiting:
        take_answers(0.1)
    pipe.send(Flooded(dict(told), seconds, time.monotonic() - began))
    pipe.recv()
    for client in staying:
        client.close()
    pipe.send("left")


class Flood(Worker):
    """The process; it is heard when the flood is over."""

    def __init__(self, address, source, count, rate, leaves):
        super().__init__(_flood, address, source, count, rate, leaves)

    def leave(self):
        """Those that were let in go."""
        self.tell()
        self.hear()
