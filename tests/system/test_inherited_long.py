"""Restarts under sockets that are held, for a minute: what `systemctl restart` costs with a socket unit."""
import time
import unittest

from support.daemon import Daemon, connect
from support.held import Visitors, listening
from support.runner import main, needs_long

CONFIG = """
[listener.main]
bind = {}:{}
protocol = text
service = echo
[service.echo]
type = echo
boundary = line
[timeouts]
drain = 500ms
"""
RATE = 200
SECONDS = 60
HELD = 50


@needs_long
class Restarts(unittest.TestCase):
    def test_nobody_is_refused_though_plain_clients_stay(self):
        """Each daemon has idle clients, so each stop takes its whole drain."""
        held = self.enterContext(listening())
        config = CONFIG.format(*held.getsockname())
        restarts = 0
        with Visitors(held.getsockname(), RATE) as visitors:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                with Daemon(config, inherited=[("main", held)]) as daemon:
                    idle = [connect(held.getsockname()) for _ in range(HELD)]
                    daemon.wait_for_counters(lambda now: now["open"] >= HELD, "the idle clients to be accepted")
                    daemon.stop()
                    for client in idle:
                        client.close()
                restarts += 1
            with Daemon(config, inherited=[("main", held)]):
                visitors.leave()
        print(f"{restarts} restarts: {visitors.served} of {visitors.begun} served, the longest wait was {visitors.waited_max:.2f} s")
        self.assertEqual([], visitors.failures)
        self.assertEqual(visitors.begun, visitors.served)


if __name__ == "__main__":
    main()
