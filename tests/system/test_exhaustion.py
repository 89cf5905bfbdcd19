"""Descriptors run out while clients are connected: those connected are unharmed, those who come are told, nothing spins, and
it ends by itself."""
import resource
import time
import unittest

from support.daemon import Daemon
from support.peers import receive_exactly, receive_until_end
from support.runner import main
from support.waiting import wait_for

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
protocol = text
service = echo
[service.echo]
type = echo
boundary = line
"""
CLIENTS = 500
FEW = 64


class WithoutDescriptors(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(Daemon(CONFIG))
        self.clients = [self.enterContext(self.daemon.connect()) for _ in range(CLIENTS)]
        self.check_the_connected()

    def check_the_connected(self):
        for number, client in enumerate(self.clients):
            client.sendall(b"still here %d\n" % number)
        for number, client in enumerate(self.clients):
            self.assertEqual(b"still here %d\n" % number, receive_exactly(client, len(b"still here %d\n" % number)))

    def limit(self, descriptors):
        hard = resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE, (descriptors or hard, hard))

    def ask(self):
        """What a client gets that comes now."""
        with self.daemon.connect() as client:
            client.sendall(b"hello\n")
            try:
                return receive_until_end(client) if self.limited else receive_exactly(client, 6)
            except ConnectionError:
                return b"reset"

    def test_the_limit_is_lowered_under_500_clients_and_raised_again(self):
        self.limited = True
        self.limit(FEW)
        self.assertTrue(self.ask().startswith(b"error: server_full: "))
        began, spent = time.monotonic(), self.daemon.processor_seconds()
        # The second report says that the first was a second ago: so long nothing spins.
        waiting = [self.enterContext(self.daemon.connect()) for _ in range(100)]
        self.daemon.wait_for_events("accept paused", 3)
        share = (self.daemon.processor_seconds() - spent) / (time.monotonic() - began)
        self.assertLess(share, 0.05)
        for client in waiting:
            self.assertTrue(receive_until_end(client).startswith(b"error: server_full: "))
        seconds = time.monotonic() - began
        self.assertLessEqual(len(self.daemon.events("accept paused")), seconds + 2)
        self.check_the_connected()

        self.limited = False
        self.limit(None)
        wait_for(lambda: self.ask() == b"hello\n", "a client to be served again")
        self.check_the_connected()
        self.daemon.wait_for_counters(lambda counters: counters.get("server_full", 0) >= 101, "all refusals to have ended")


if __name__ == "__main__":
    main()
