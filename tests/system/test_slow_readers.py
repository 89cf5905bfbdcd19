"""Thousands of clients that do not read, or only drip, beside a hundred that do: who is ended and for what, what it costs in
memory, and that the others lose nothing."""
import collections
import itertools
import os
import pathlib
import re
import select
import socket
import subprocess
import time
import unittest

from support.cores import CLIENT_CORE, CORES, SERVER_CORE, busy_seconds, pinned
from support.crowd import IP_BIND_ADDRESS_NO_PORT, source_address
from support.daemon import Daemon
from support.runner import main
from support.waiting import DEADLINE, wait_for
from support.worker import Worker

KIB = 1 << 10
HEALTHY = 100
PAUSE = 0.02  # of a healthy client between two exchanges

CONFIG = """
[server]
threads = 1
[listener.echo]
bind = 127.0.0.1:0
protocol = text
service = echo
[service.echo]
type = echo
boundary = line
[timeouts]
drain = 0
write = 3s
linger = 200ms
"""
# So that many clients stay below max_buffer_memory and each is judged by itself.
SMALL_QUEUES = """
[limits]
queue_soft = 8KiB
"""


def private_bytes(pid):
    """From where the kernel has it at hand: smaps would hold up the daemon while it is written."""
    _, resident, shared, *_ = map(int, pathlib.Path(f"/proc/{pid}/statm").read_text().split())
    return (resident - shared) * os.sysconf("SC_PAGESIZE")


def unsent_bytes(port):
    """What the kernel holds to be sent, for each connection of that port."""
    listing = subprocess.run(["ss", "-tmnH", "state", "established", "sport", "=", f":{port}"],
                             capture_output=True, text=True, check=True).stdout
    return list(map(int, re.findall(r"skmem:\(.*?,w(\d+),", listing)))


def slow_clients(address, numbers, payload, drips, pipe):
    """Connect, say so; send, never more than is taken; then never read, or a byte a second."""
    pinned(CLIENT_CORE)
    clients = []
    for number in numbers:
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        client.settimeout(DEADLINE)
        # The kernel at this end takes little, or nothing would have to wait at the other.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind((source_address(number), 0))
        client.connect(address)
        client.setblocking(False)
        clients.append(client)
    pipe.send("connected")
    pipe.recv()
    left = {client: payload for client in clients} if payload else {}
    while left:
        for client in list(left):
            try:
                left[client] = left[client][client.send(left[client]):]
            except BlockingIOError:
                continue
            except ConnectionError:
                left[client] = b""  # the verdict came early
            if not left[client]:
                del left[client]
    pipe.send("sent")
    while not pipe.poll(1):  # until the process is killed
        for client in clients if drips else ():
            try:
                client.recv(1)
            except OSError:
                pass


def healthy_clients(address, pipe):
    """Each says something and waits for the reply, again and again; tells how many replies were right when asked to end."""
    pinned(CLIENT_CORE)
    poller = select.epoll()
    clients, owed, due = {}, {}, collections.deque()
    for number in range(HEALTHY):
        client = socket.create_connection(address, timeout=DEADLINE)
        client.setblocking(False)
        poller.register(client, select.EPOLLIN)
        clients[client.fileno()] = client
        due.append((time.monotonic() + PAUSE * number / HEALTHY, client.fileno()))
    pipe.send("connected")
    pipe.recv()
    right, said, ending = 0, 0, False
    while owed or not ending:
        ending = ending or pipe.poll()
        now = time.monotonic()
        while due and due[0][0] <= now and not ending:
            descriptor = due.popleft()[1]
            said += 1
            owed[descriptor] = b"exchange %d of the healthy\n" % said
            clients[descriptor].send(owed[descriptor])
        for descriptor, _ in poller.poll(0.002):
            got = clients[descriptor].recv(65536)
            if not got or not owed[descriptor].startswith(got):
                raise AssertionError(f"{got!r} instead of {owed[descriptor]!r}")
            owed[descriptor] = owed[descriptor][len(got):]
            if not owed[descriptor]:
                del owed[descriptor]
                right += 1
                due.append((time.monotonic() + PAUSE, descriptor))
    for client in clients.values():
        client.close()
    pipe.send((right, said))


class SlowReaders(unittest.TestCase):
    readers = 1000  # half of them drip

    def setUp(self):
        self.addCleanup(os.sched_setaffinity, 0, CORES)
        pinned(CLIENT_CORE)

    def start(self, config, echo_bytes):
        """The daemon and everybody connected, and what it takes then; the slow ones now send what fills their queues."""
        daemon = self.enterContext(Daemon(CONFIG + config, preexec=lambda: pinned(SERVER_CORE)))
        line = b"a line that is echoed to whoever does not read it\n"
        payload = line * (echo_bytes // len(line))
        share = self.readers // 4
        slow = []
        for index, drips in enumerate([False, True, False, True]):
            numbers = range(index * share, (index + 1) * share)
            slow.append(self.enterContext(Worker(slow_clients, daemon.address("echo"), numbers, payload, drips)))
        healthy = self.enterContext(Worker(healthy_clients, daemon.address("echo")))
        for worker in [*slow, healthy]:
            self.assertEqual("connected", worker.hear())
        daemon.wait_for_counters(lambda now: now["accepted"] == 4 * share + HEALTHY, "everybody to be there")
        idle_bytes = private_bytes(daemon.pid)
        daemon.counters()  # its times are those since the last line
        for worker in [healthy, *slow]:
            worker.tell()
        return daemon, healthy, idle_bytes

    def begin_windows(self, daemon):
        """For whoever judges the daemon's own times while it is watched."""

    def end_window(self):
        """As above."""

    def watch_until_ended(self, daemon):
        """The most that the daemon and, for one connection, its kernel took."""
        most, looks = collections.Counter(), itertools.count()
        self.begin_windows(daemon)

        def all_ended():
            most["user"] = max(most["user"], private_bytes(daemon.pid))
            self.end_window()
            # To list thousands of sockets is work, and the clients' core has enough of it.
            if next(looks) % 4:
                return False
            unsent = unsent_bytes(daemon.address("echo")[1])
            most["unsent"] = max(most["unsent"], *unsent)
            return len(unsent) <= HEALTHY

        busy, began = busy_seconds(CLIENT_CORE), time.monotonic()
        wait_for(all_ended, "the slow ones to be ended", 4 * DEADLINE, pause_max=0.05)
        most["clients_core_percent"] = round(100 * (busy_seconds(CLIENT_CORE) - busy) / (time.monotonic() - began))
        daemon.wait_for_counters(lambda now: now["open"] == HEALTHY, "those who linger to be gone")
        print(f"{self.readers} slow readers, at most: {dict(most)}")
        return most

    def check_healthy(self, daemon, healthy):
        """They have lost nothing."""
        healthy.tell()
        right, said = healthy.hear()
        self.assertEqual(said, right)
        self.assertGreater(right, HEALTHY)
        daemon.wait_for_counters(lambda now: now["open"] == 0, "the healthy ones to have left")

    @staticmethod
    def reasons(daemon, listener):
        return collections.Counter(session["reason"] for session in daemon.sessions(listener=listener))

    def check_each_is_ended_for_what_it_did(self):
        daemon, healthy, _ = self.start(SMALL_QUEUES, 64 * KIB)
        most = self.watch_until_ended(daemon)
        self.assertLessEqual(most["unsent"], 64 * KIB)
        self.check_healthy(daemon, healthy)
        self.assertEqual({"write_timeout": self.readers, "peer_closed": HEALTHY}, dict(self.reasons(daemon, "echo")))

    def test_each_is_ended_for_what_it_did_and_the_others_lose_nothing(self):
        self.check_each_is_ended_for_what_it_did()


if __name__ == "__main__":
    main()
