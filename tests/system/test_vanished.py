"""Peers that vanish without a word, as if a cable were pulled: found by keepalive when they are idle, by user_timeout when
they are owed something, and nothing of them is left."""
import datetime
import fcntl
import signal
import struct
import termios
import time
import unittest

from support.daemon import Daemon
from support.network import Lost, enter_own_network, skip_without_own_network
from support.peers import exchange, receive_exactly
from support.runner import main
from support.waiting import DEADLINE, wait_for

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
[service.echo]
type = echo
boundary = line
[socket]
keepalive = 1s
user_timeout = {user_timeout}s
"""
LOST = "127.0.1.0/24"
KEEPALIVE, PROBES, PROBES_EVERY = 1, 4, 15
USER_TIMEOUT = 2
TOLERANCE = max(3.0, DEADLINE / 20)
HEALTHY = 10


def unacknowledged(client):
    """Bytes sent that the other kernel has not confirmed."""
    return struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, bytes(4)))[0]


class Vanished(unittest.TestCase):
    clients = 50

    def setUp(self):
        skip_without_own_network(self)

    def connect(self, address):
        client = self.enterContext(self.daemon.connect(source=address))
        self.check_serves(client)
        return client

    def check_serves(self, client):
        client.sendall(b"hello\n")
        self.assertEqual(b"hello\n", receive_exactly(client, 6))

    def check(self, user_timeout, idle_within, owed_within):
        """In seconds: the configuration, and until when each kind has to be found. Without `owed_within` all are idle."""
        self.daemon = self.enterContext(Daemon(CONFIG.format(user_timeout=user_timeout)))
        healthy = [self.connect("127.0.0.1") for _ in range(HEALTHY)]
        before = self.daemon.descriptors_at_rest()
        clients = [self.connect(f"127.0.1.{1 + number % 200}") for number in range(self.clients)]
        owed, idle = (clients[::2], clients[1::2]) if owed_within else ([], clients)
        # Stopped, so that the requests have arrived and no reply has left when the cable is pulled.
        self.daemon.freeze()
        for client in owed:
            client.sendall(b"are you there?\n")
        for client in owed:
            wait_for(lambda: unacknowledged(client) == 0, "the request to be in the daemon's kernel")
        with Lost(LOST):
            began = time.time()  # as the log tells the time
            self.daemon.send_signal(signal.SIGCONT)
            if owed:
                self.check_found(owed, began, owed_within)
            self.assertEqual(b"served\n", exchange(self.daemon.address(), b"served\n"))
            self.check_found(idle, began, idle_within)
            for client in healthy:
                self.check_serves(client)
            counters = self.daemon.wait_for_counters(lambda now: now["open"] == HEALTHY, "the healthy ones to be left")
            self.assertEqual((self.clients, 1), (counters["peer_vanished"], counters["peer_closed"]))
            self.daemon.wait_for_descriptors(before)

    def check_found(self, clients, began, within):
        peers = {"%s:%d" % client.getsockname() for client in clients}
        sessions = wait_for(
            lambda: (lambda found: len(found) == len(peers) and found)(
                [event for event in self.daemon.events("session") if event["peer"] in peers]),
            f"{len(peers)} peers to be found", within + DEADLINE)
        self.assertEqual({"peer_vanished"}, {session["reason"] for session in sessions})
        seconds = [datetime.datetime.fromisoformat(session["time"]).timestamp() - began for session in sessions]
        print(f"{len(seconds)} found within {min(seconds):.1f} to {max(seconds):.1f} s of {within} s")
        self.assertLess(max(seconds), within + TOLERANCE)

    def test_found_before_keepalive_has_asked_as_often_as_it_would(self):
        """What nobody answers for user_timeout is given up at the next question."""
        self.check(USER_TIMEOUT, idle_within=KEEPALIVE + PROBES_EVERY, owed_within=USER_TIMEOUT)


if __name__ == "__main__":
    enter_own_network()
    main()
