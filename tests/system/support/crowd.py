"""Very many clients from few processes: each process drives its share with one epoll, so that what is slow is the daemon."""
import contextlib
import select
import socket
import time

from .peers import receive_until_end
from .waiting import DEADLINE
from .worker import Worker

CLIENTS_A_PROCESS = 2500  # far below the limit of descriptors of one process
IP_BIND_ADDRESS_NO_PORT = 24


def source_address(number):
    """Of client `number`: a few thousand clients share one, or the ports of one address would run out."""
    return f"127.0.{1 + number % 8}.{1 + number % 200}"


def connect_as(address, number):
    """A connection of client `number`, from its address."""
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(DEADLINE)
    client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    client.bind((source_address(number), 0))
    client.connect(address)
    return client


def _talk(clients, conversation, rounds, deadline):
    """`rounds` times: every client sends its message, then waits for its reply. conversation(number, round) is both."""
    poller = select.epoll()
    numbers = {client.fileno(): number for number, client in clients.items()}
    for client in clients.values():
        client.setblocking(False)
        poller.register(client, select.EPOLLIN)
    for round_number in range(rounds):
        owed = {}
        for number, client in clients.items():
            message, reply = conversation(number, round_number)
            owed[number] = reply
            if client.send(message) != len(message):
                raise AssertionError(f"client {number}: a small message did not fit")
        while owed:
            if time.monotonic() > deadline:
                raise AssertionError(f"round {round_number}: {len(owed)} replies are missing, "
                                     f"of clients {sorted(owed)[:5]}...")
            for descriptor, _ in poller.poll(1):
                number = numbers[descriptor]
                received = clients[number].recv(65536)
                wanted = owed.get(number)
                if not received or wanted is None or not wanted.startswith(received):
                    raise AssertionError(f"client {number}, round {round_number}: {received!r} instead of {wanted!r}")
                if received == wanted:
                    del owed[number]
                else:
                    owed[number] = wanted[len(received):]
    poller.close()


def _share(address, numbers, conversation, rounds, pipe):
    """The life of one process: connect all, say so, wait until all others have, talk, say so, wait to be let go."""
    deadline = time.monotonic() + DEADLINE
    clients = {number: connect_as(address, number) for number in numbers}
    pipe.send("connected")
    pipe.recv()
    _talk(clients, conversation, rounds, deadline)
    pipe.send("done")
    pipe.recv()
    for client in clients.values():
        client.close()


class Crowd:
    """`count` clients of one address. Each step waits until every process has come to it."""

    def __init__(self, address, count, conversation, rounds):
        self._workers = [Worker(_share, address, range(begin, min(begin + CLIENTS_A_PROCESS, count)), conversation, rounds)
                         for begin in range(0, count, CLIENTS_A_PROCESS)]

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for worker in self._workers:
            worker.__exit__(*failure)

    def _wait_for(self, word):
        for worker in self._workers:
            if (said := worker.hear()) != word:
                raise AssertionError(said)

    def wait_until_connected(self):
        self._wait_for("connected")

    def talk(self):
        for worker in self._workers:
            worker.tell()
        self._wait_for("done")

    def leave(self):
        for worker in self._workers:
            worker.tell()
        for worker in self._workers:
            worker.wait_for_end()


VISITORS = 4


def _visit(address, numbers, message, pipe):
    for number in numbers:
        with connect_as(address, number) as client:
            client.sendall(message)
            client.shutdown(socket.SHUT_WR)
            received = receive_until_end(client)
            if received != message:
                raise AssertionError(f"visit {number}: {received[:100]!r}... of {len(received)} bytes")
    pipe.send("done")


def visit(address, count, message):
    """That many connections, one after the other in each of four processes: connect, send, be echoed, be ended."""
    with contextlib.ExitStack() as workers:
        visitors = [workers.enter_context(Worker(_visit, address, range(first, count, VISITORS), message))
                    for first in range(VISITORS)]
        for worker in visitors:
            worker.hear()
