"""Clients that hold connections open and say little or nothing, and tell how long each was put up with."""
import collections
import select
import time

from .crowd import CLIENTS_A_PROCESS, connect_as
from .waiting import DEADLINE
from .worker import Worker

# Its name, where it connects to, what it opens with, and every how many seconds it sends one more byte (0: never).
Manner = collections.namedtuple("Manner", "name address opening drip_every")
Ending = collections.namedtuple("Ending", "manner peer seconds received was_reset")


class _Client:
    def __init__(self, number, manner):
        self.manner = manner
        self.received = b""
        began = time.monotonic()
        self.socket = connect_as(manner.address, number)
        self.socket.setblocking(False)
        # The clock that the server should have started, as seen from here.
        self.began = time.monotonic() if manner.opening else began
        if manner.opening:
            self.socket.send(manner.opening)
        self.drip_next = self.began + manner.drip_every

    def read(self):
        """The ending, if this was it."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return self._ended(True)
        self.received += data
        return None if data else self._ended(False)

    def drip(self):
        try:
            self.socket.send(b"x")
        except (ConnectionResetError, BrokenPipeError):
            pass  # read() will say so
        self.drip_next += self.manner.drip_every

    def _ended(self, was_reset):
        ending = Ending(self.manner.name, self.socket.getsockname(), time.monotonic() - self.began, self.received, was_reset)
        self.socket.close()
        return ending


def _share(numbers, manners, patience, pipe):
    """The life of one process: all connect, drip as their manners ask, and wait for their ends."""
    poller = select.epoll()
    clients, endings = {}, []
    # In the order of their next byte: each manner's clients drip at one pace.
    drippers = {manner: collections.deque() for manner in manners if manner.drip_every}

    def drip():
        """How long it is until the next byte."""
        wait = 1.0
        for queue in drippers.values():
            while queue and queue[0].drip_next <= time.monotonic():
                client = queue.popleft()
                if client.socket.fileno() in clients:
                    client.drip()
                    queue.append(client)
            if queue:
                wait = min(wait, max(0.0, queue[0].drip_next - time.monotonic()))
        return wait

    def read(wait):
        for descriptor, _ in poller.poll(wait):
            if ending := clients[descriptor].read():
                del clients[descriptor]
                endings.append(ending)

    for number in numbers:
        client = _Client(number, manners[number % len(manners)])
        clients[client.socket.fileno()] = client
        poller.register(client.socket, select.EPOLLIN)
        if client.manner in drippers:
            drippers[client.manner].append(client)
        # Connecting may take longer than the first are put up with.
        drip()
        read(0)
    deadline = time.monotonic() + patience
    while clients:
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(clients)} clients were not ended within {patience:g} s")
        read(drip())
    pipe.send(endings)


class SlowCrowd:
    """`count` clients, each in one of the manners in turn."""

    def __init__(self, count, manners, patience=DEADLINE):
        self._workers = [Worker(_share, range(begin, min(begin + CLIENTS_A_PROCESS, count)), manners, patience)
                         for begin in range(0, count, CLIENTS_A_PROCESS)]
        self._waited_for = list(self._workers)
        self._endings = []

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for worker in self._workers:
            worker.__exit__(*failure)

    def endings(self, wait=2 * DEADLINE):
        """Of all clients, once all have been ended; None if that was not within `wait` seconds."""
        until = time.monotonic() + wait
        while self._waited_for:
            if not self._waited_for[0].has_spoken(max(0, until - time.monotonic())):
                return None
            self._endings += self._waited_for.pop(0).hear()
        return self._endings
