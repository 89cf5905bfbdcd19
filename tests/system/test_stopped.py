"""The daemon is stopped for longer than any of its deadlines, as by SIGSTOP or a suspended machine: nobody is thrown out for
what it could not hear."""
import collections
import os
import signal
import time
import unittest

from support.daemon import Daemon
from support.peers import Framed, len32, receive_exactly, receive_len32
from support.runner import main
from support.waiting import wait_for

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
[service.echo]
type = echo
boundary = line
[timeouts]
first_byte = 3s
message = 3s
idle = 3s
write = 3s
"""
SECONDS = 30 if os.environ.get("FAIRLEAD_LONG") == "1" else 5
EACH = 100


class Stopped(unittest.TestCase):
    def test_nobody_is_thrown_out_for_it(self):
        daemon = self.enterContext(Daemon(CONFIG))
        connected = collections.defaultdict(list)
        for kind in ("silent", "idle", "half a line", "half a length", "framed"):
            for _ in range(EACH):
                connected[kind].append(self.enterContext(daemon.connect()))
        for client in connected["idle"]:
            client.sendall(b"here\n")
        for client in connected["idle"]:
            self.assertEqual(b"here\n", receive_exactly(client, 5))
        for client in connected["half a line"]:
            client.sendall(b"half a ")
        for client in connected["half a length"]:
            client.sendall(len32(b"whole")[:7])
        framed = [Framed(client) for client in connected["framed"]]
        daemon.wait_for_counters(lambda now: now["open"] == 5 * EACH, "everybody to be there")

        daemon.freeze()
        end = time.monotonic() + SECONDS
        # What clients do meanwhile is heard afterwards.
        for client in connected["half a length"]:
            client.sendall(len32(b"whole")[7:])
        wait_for(lambda: time.monotonic() > end, "the time to pass", SECONDS + 10)
        daemon.send_signal(signal.SIGCONT)

        for client in connected["half a length"]:
            self.assertEqual(b"whole", receive_len32(client))
        for client in connected["silent"] + connected["idle"]:
            client.sendall(b"still\n")
        for client in connected["half a line"]:
            client.sendall(b"line\n")
        for client in connected["silent"] + connected["idle"]:
            self.assertEqual(b"still\n", receive_exactly(client, 6))
        for client in connected["half a line"]:
            self.assertEqual(b"half a line\n", receive_exactly(client, 12))
        for client in framed:
            self.assertEqual(b"still", client.ask(b"still"))
        counters = daemon.counters()
        self.assertEqual(5 * EACH, counters["open"])
        self.assertGreaterEqual(counters["stalls"], 1)
        # From now on deadlines are deadlines again.
        daemon.wait_for_counters(lambda now: now["open"] == 0, "all to be idle for too long")


if __name__ == "__main__":
    main()
