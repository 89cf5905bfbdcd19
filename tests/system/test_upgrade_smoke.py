"""An upgrade, one that fails, and the next one: the least that must hold."""
import contextlib
import os
import signal
import unittest

from support.daemon import Daemon
from support.peers import receive_exactly
from support.runner import main
from support.waiting import wait_for

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
[service.echo]
type = echo
boundary = line
"""
OUTCOMES = ("upgraded", "upgrade_failed", "upgrade_refused")


class Smoke(unittest.TestCase):
    def upgrade(self, pid):
        """What becomes of it."""
        before = len(self.outcomes())
        os.kill(pid, signal.SIGUSR2)
        return wait_for(lambda: self.outcomes()[before:], "the end of the upgrade")[0]

    def outcomes(self):
        return [event for event in self.daemon.events() if event["event"] in OUTCOMES]

    def echoes(self, client, line):
        client.sendall(line)
        self.assertEqual(line, receive_exactly(client, len(line)))

    def test_an_upgrade(self):
        with Daemon(CONFIG) as self.daemon, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(self.daemon.connect()) for _ in range(600)]
            for client in clients:
                self.echoes(client, b"before\n")
            half = stack.enter_context(self.daemon.connect())
            half.sendall(b"ha")
            received = 600 * 7 + 2
            self.daemon.wait_for_counters(lambda now: now["bytes_in"] == received, "all to be read")

            (self.daemon.directory / "test.conf").write_text("[timeouts]\nidel = 1m\n")
            failed = self.upgrade(self.daemon.pid)
            self.assertEqual("upgrade_failed", failed["event"])
            self.assertIn("6", failed["reason"])
            for client in clients[:3]:
                self.echoes(client, b"meanwhile\n")

            (self.daemon.directory / "test.conf").write_text(CONFIG)
            told = self.upgrade(self.daemon.pid)
            self.assertEqual(("upgraded", 601, 0),
                             (told["event"], told.get("sessions_handed_over"), told.get("sessions_kept")), told)
            new = told["to"]
            stack.callback(self.end, new)
            self.assertEqual(0, self.daemon.wait())
            for client in clients:
                self.echoes(client, b"behind\n")
            self.echoes(stack.enter_context(self.daemon.connect()), b"new\n")
            half.sendall(b"lf\n")
            self.assertEqual(b"half\n", receive_exactly(half, 5))
            os.kill(new, signal.SIGTERM)
            wait_for(lambda: len(self.daemon.events("stopped")) == 2, "the end of the new process")
            last = self.daemon.events("counters")[-1]
            self.assertEqual((1, 601, 602), (last["accepted"], last["taken_over"], last["draining"]))

    @staticmethod
    def end(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
