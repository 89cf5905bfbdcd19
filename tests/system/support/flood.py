"""One address that opens connections as fast as it can, in a process of its own, and counts what it is told."""
import collections
import multiprocessing
import select
import socket
import time
import traceback

from .crowd import IP_BIND_ADDRESS_NO_PORT
from .waiting import DEADLINE

# Fewer than any backlog: what the kernel says it has connected has then a place in the queue, and will be accepted.
UNANSWERED_MAX = 1000

# `seconds` until the last had connected, `answered` until it had been told.
Flooded = collections.namedtuple("Flooded", "told seconds answered")


def _flood(address, source, count, rate, leaves, pipe):
    """Everybody gets a line, of refusal or of welcome. With `leaves`, who is welcome leaves at once; else it stays."""
    try:
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
    except BaseException:
        pipe.send(traceback.format_exc())


class Flood:
    def __init__(self, address, source, count, rate, leaves):
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_flood, args=(address, source, count, rate, leaves, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def is_over(self):
        return self._pipe.poll(0)

    def _take(self):
        if not self._pipe.poll(4 * DEADLINE):
            raise AssertionError("the flood did not end in time")
        said = self._pipe.recv()
        if isinstance(said, str) and said != "left":
            raise AssertionError(said)
        return said

    def result(self):
        return self._take()

    def leave(self):
        """Those that were let in go."""
        self._pipe.send("go on")
        self._take()
