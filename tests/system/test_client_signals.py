"""A client that a signal kills gives the terminal back as it was, and dies of that signal; HUP ends it as Ctrl-C does."""
import os
import pathlib
import select
import signal
import subprocess
import termios
import time
import unittest

from support.client import ENVIRONMENT, PlainServer, hold
from support.daemon import binary
from support.runner import main, release_only
from support.waiting import DEADLINE

FATAL = [signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF,
         signal.SIGXCPU, signal.SIGIO, signal.SIGPWR]
# A sanitizer takes them, or crashes itself when they come from outside.
CRASHES = [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGSYS]
LOCAL_MODES = 3


class OnATerminal(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(PlainServer(lambda _, connection: hold(connection)))

    def begin(self, *words, prompt, preexec=None):
        """In a terminal of its own, when it has asked."""
        outer, inner = os.openpty()
        self.addCleanup(os.close, outer)
        self.addCleanup(os.close, inner)
        self.before = termios.tcgetattr(inner)
        process = subprocess.Popen([binary("fairlead"), *words], stdin=inner, stdout=inner, stderr=inner, env=ENVIRONMENT,
                                   start_new_session=True, preexec_fn=preexec)
        self.addCleanup(process.wait, DEADLINE)
        self.addCleanup(process.kill)
        shown, end = b"", time.monotonic() + DEADLINE
        # TSan's runtime loses a signal that comes while a thread is being made.
        while prompt not in shown or not self.is_edited(inner) or not self.sleeps(process):
            self.assertLess(time.monotonic(), end, shown)
            if select.select([outer], [], [], 0.01)[0]:
                shown += os.read(outer, 65536)
        return process, inner

    @staticmethod
    def is_edited(terminal):
        return not termios.tcgetattr(terminal)[LOCAL_MODES] & termios.ICANON

    @staticmethod
    def sleeps(process):
        state = pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        return state == "S"

    def check(self, numbers, *words, prompt):
        for number in numbers:
            with self.subTest(number.name):
                process, terminal = self.begin(*words, prompt=prompt)
                process.send_signal(number)
                self.assertEqual(130 if number == signal.SIGHUP else -number, process.wait(DEADLINE))
                self.assertEqual(self.before, termios.tcgetattr(terminal))

    def test_a_conversation(self):
        self.check(FATAL, "term", self.server.address, prompt=b"> ")

    def test_a_question(self):
        self.check([signal.SIGQUIT, signal.SIGHUP], "send", self.server.address, prompt=b"text to send:")
        self.check([signal.SIGQUIT, signal.SIGHUP], "term", prompt=b"server's ip:")

    @release_only
    def test_a_crash(self):
        self.check(CRASHES, "term", self.server.address, prompt=b"> ")

    def test_what_is_ignored_stays_ignored(self):
        process, terminal = self.begin("term", self.server.address, prompt=b"> ",
                                       preexec=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))  # nohup(1)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(-signal.SIGUSR1, process.wait(DEADLINE))
        self.assertEqual(self.before, termios.tcgetattr(terminal))


if __name__ == "__main__":
    main()
