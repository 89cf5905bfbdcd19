"""What the judge of the daemon's own times goes by: that a process has been held up is seen, and a sleep is not taken for it."""
import subprocess
import sys
import unittest

from support.cores import CLIENT_CORE, HeldUp, pinned
from support.runner import main
from support.waiting import wait_for

SPINS = "print(flush=True)\nwhile True: pass"
SLEEPS = "print(flush=True)\ninput()"


class Held(unittest.TestCase):
    def start(self, program):
        """On one core, beside whoever else is started so. It says when it has begun."""
        process = self.enterContext(subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE,
                                                     stdout=subprocess.PIPE, preexec_fn=lambda: pinned(CLIENT_CORE)))
        self.addCleanup(process.kill)
        process.stdout.readline()
        return process.pid

    def held_up(self, pid):
        try:
            held_up = HeldUp(pid)
        except PermissionError as why:
            self.skipTest(str(why))
        self.addCleanup(held_up.close)
        return held_up

    def test_by_another_program_on_its_core(self):
        held_up = self.held_up(self.start(SPINS))
        self.start(SPINS)
        before = held_up.seconds()
        wait_for(lambda: held_up.seconds() - before > 0.2, "two that want all of one core to be in each other's way")

    def test_not_by_its_own_sleep(self):
        held_up = self.held_up(self.start(SLEEPS))
        self.start(SPINS)
        before = held_up.seconds()
        other = self.held_up(self.start(SPINS))
        began = other.seconds()
        wait_for(lambda: other.seconds() - began > 0.2, "the core to be wanted by two")
        self.assertLess(held_up.seconds() - before, 0.05)


if __name__ == "__main__":
    main()
