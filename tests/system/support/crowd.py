"""Very many clients from few processes: each process drives its share with one epoll, so that what is slow is the daemon."""
import multiprocessing
import select
import socket
import time
import traceback

from .peers import receive_until_end
from .waiting import DEADLINE

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
    try:
        deadline = time.monotonic() + DEADLINE
        clients = {number: connect_as(address, number) for number in numbers}
        pipe.send("connected")
        pipe.recv()
        _talk(clients, conversation, rounds, deadline)
        pipe.send("done")
        pipe.recv()
        for client in clients.values():
            client.close()
    except BaseException:
        pipe.send(traceback.format_exc())


class Crowd:
    """`count` clients of one address. Each step waits until every process has come to it."""

    def __init__(self, address, count, conversation, rounds):
        context = multiprocessing.get_context("fork")
        self._processes, self._pipes = [], []
        for begin in range(0, count, CLIENTS_A_PROCESS):
            ours, theirs = context.Pipe()
            numbers = range(begin, min(begin + CLIENTS_A_PROCESS, count))
            process = context.Process(target=_share, args=(address, numbers, conversation, rounds, theirs), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._pipes.append(ours)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.kill()
            process.join()
        for pipe in self._pipes:
            pipe.close()

    def _wait_for(self, word):
        for pipe in self._pipes:
            if not pipe.poll(2 * DEADLINE):
                raise AssertionError(f"a process of clients was not {word} in time")
            if (said := pipe.recv()) != word:
                raise AssertionError(said)

    def _tell(self):
        for pipe in self._pipes:
            pipe.send("go on")

    def wait_until_connected(self):
        self._wait_for("connected")

    def talk(self):
        self._tell()
        self._wait_for("done")

    def leave(self):
        self._tell()
        for process in self._processes:
            process.join(2 * DEADLINE)
            if process.exitcode != 0:
                raise AssertionError(f"a process of clients ended with {process.exitcode}")


def visit(address, count, message):
    """That many connections, one after the other in each of four processes: connect, send, be echoed, be ended."""
    workers = 4
    context = multiprocessing.get_context("fork")

    def work(worker, pipe):
        try:
            for number in range(worker, count, workers):
                with connect_as(address, number) as client:
                    client.sendall(message)
                    client.shutdown(socket.SHUT_WR)
                    received = receive_until_end(client)
                    if received != message:
                        raise AssertionError(f"visit {number}: {received[:100]!r}... of {len(received)} bytes")
            pipe.send("done")
        except BaseException:
            pipe.send(traceback.format_exc())

    processes = []
    for worker in range(workers):
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(worker, theirs), daemon=True)
        process.start()
        theirs.close()
        processes.append((process, ours))
    try:
        for process, pipe in processes:
            if not pipe.poll(4 * DEADLINE):
                raise AssertionError("visitors did not end in time")
            if (said := pipe.recv()) != "done":
                raise AssertionError(said)
    finally:
        for process, pipe in processes:
            process.kill()
            process.join()
            pipe.close()
