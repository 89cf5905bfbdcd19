"""The kernel has no descriptors, no buffers or no memory, in any call that may say so: some clients are refused or ended, the
daemon neither falls nor spins nor leaks, and serves as before when it is over."""
import contextlib
import errno
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

from support.daemon import POOLS_KEEP_MAX, Daemon, behind_start, binary
from support.documents import close_reasons
from support.injection import Injection, skip_without_strace, strace_command, traced
from support.peers import Framed, receive_until_end
from support.runner import main
from support.waiting import DEADLINE, wait_for

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
[listener.files]
bind = 127.0.0.1:0
protocol = text
service = files
[service.echo]
type = echo
boundary = line
[service.files]
type = file
root = {root}
[log]
repeats = 2
"""
ERRORS = ("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM")
SOME, ALL = "3+7", "1+"
CALLS = ("accept,accept4", "epoll_ctl", "openat,openat2", "recvfrom", "sendto,sendmsg")
LINES = b"".join(b"%d" % number * 300 + b"\n" for number in range(200))
FILE = bytes(range(256)) * 2000
AT_REST = 0.1  # of one processor


class WhileItRuns(unittest.TestCase):
    def setUp(self):
        skip_without_strace()
        self.reasons = close_reasons().values()
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-files-")))
        (root / "file").write_bytes(FILE)
        self.daemon = self.enterContext(Daemon(CONFIG.format(root=root)))
        self.patience = DEADLINE
        self.assertEqual(4, self.visit_all())
        self.heap, self.descriptors = self.daemon.counters()["heap_in_use"], self.daemon.descriptors()

    def ask(self, listener, data):
        with self.daemon.connect(listener, timeout=self.patience) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return receive_until_end(client)

    def ask_framed(self):
        with self.daemon.connect(timeout=self.patience) as client:
            return Framed(client).ask(b"hello")

    def visit_all(self):
        """How many clients of four have got what they had asked for. The others are refused or ended, and none hangs."""
        visits = ((lambda: self.ask("main", b"hello\n"), b"hello\n"), (lambda: self.ask("main", LINES), LINES),
                  (lambda: self.ask("files", b"file\n"), FILE), (self.ask_framed, b"hello"))
        served = 0
        for visit, wanted in visits:
            try:
                served += visit() == wanted
            except (ConnectionError, EOFError):
                pass
            except TimeoutError:
                if self.patience == DEADLINE:
                    raise
            except OSError as problem:
                if problem.errno != errno.ENOTCONN:  # what shutdown() says after a reset
                    raise
        return served

    def patient_under(self, calls):
        # Asio does not look at what EPOLL_CTL_MOD says, which the kernel never refuses for a shortage, but strace does: a
        # client may then wait until the next event. All that is asked for is that it is right afterwards.
        self.patience = 0.2 if calls == "epoll_ctl" else DEADLINE

    def wait_until_at_rest(self):
        """What spins never is."""
        last = time.monotonic(), self.daemon.processor_seconds()

        def at_rest():
            nonlocal last
            now = time.monotonic(), self.daemon.processor_seconds()
            elapsed, spent = now[0] - last[0], now[1] - last[1]
            if elapsed < 0.04:
                return False
            last = now
            return spent < AT_REST * elapsed
        wait_for(at_rest, "the daemon to come to rest")

    def check_as_before(self):
        self.patience = DEADLINE
        wait_for(lambda: self.visit_all() == 4, "all to be served again")
        counters = self.daemon.wait_for_counters(lambda now: now["open"] == 0, "all to have ended")
        self.assertLess(counters["heap_in_use"] - self.heap, POOLS_KEEP_MAX)
        self.assertEqual(counters["accepted"], sum(counters.get(reason, 0) for reason in self.reasons))
        self.daemon.wait_for_descriptors(self.descriptors)

    def test_some_calls_fail(self):
        for calls in CALLS:
            for error in ERRORS:
                with self.subTest(calls=calls, error=error):
                    self.patient_under(calls)
                    with Injection(self.daemon, calls, error, SOME) as injection:
                        # Files are opened by several threads, each of which has its own third call.
                        rounds = 12 if "openat2" in calls else 5
                        served = sum(self.visit_all() for _ in range(rounds))
                        self.assertGreater(injection.count(), 0)
                    print(f"{calls} {error}: {injection.failed} failed, {served} of {4 * rounds} served", flush=True)
                    self.check_as_before()

    def test_every_call_fails(self):
        """Some are connected already, some come now; none of it keeps the daemon busy."""
        for calls in CALLS:
            for error in ERRORS:
                with self.subTest(calls=calls, error=error), contextlib.ExitStack() as stack:
                    def come(count):
                        return [(stack.enter_context(self.daemon.connect(listener)), word) for _ in range(count)
                                for listener, word in (("main", b"hello\n"), ("files", b"file\n"))]
                    self.patience = DEADLINE
                    connected = come(10)
                    with Injection(self.daemon, calls, error, ALL) as injection:
                        for client, word in connected + come(10):
                            with contextlib.suppress(ConnectionError):
                                client.sendall(word)
                        wait_for(lambda: injection.count() > 0, "a call to fail")
                        self.wait_until_at_rest()
                    print(f"{calls} {error}: {injection.failed} failed", flush=True)
                    stack.close()
                    self.check_as_before()


class AtTheStart(unittest.TestCase):
    """Where nothing can be served yet it says what is missing and ends."""

    def setUp(self):
        skip_without_strace()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-start-")))
        self.config = self.folder / "fairleadd.conf"
        self.config.write_text(CONFIG.format(root=self.folder) + f"[server]\nrun_dir = {self.folder}\n")

    def check_fails(self, status, calls, error, *options):
        output = self.folder / "strace"
        done = subprocess.run([*strace_command(calls, error, ALL, output), *options, binary(), "-c", str(self.config)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE, env=traced())
        self.assertIn("(INJECTED)", output.read_text())
        self.assertEqual((status, ""), (done.returncode, done.stdout), done.stderr)
        why = os.strerror(getattr(errno, error))
        self.assertRegex(behind_start(done.stderr), f"(?s)^fairleadd: .*{why}")

    def test_without_sockets_or_anything_to_wait_with(self):
        # A loop without an eventfd makes do with a pipe; so does UBSan, for each type that it meets.
        pipes = () if os.environ.get("FAIRLEAD_SANITIZE") else ("eventfd2,pipe,pipe2",)
        for calls in ("socket", "epoll_create1", "epoll_ctl", *pipes):
            for error in ERRORS:
                with self.subTest(calls=calls, error=error):
                    self.check_fails(1, calls, error)

    def test_a_configuration_that_cannot_be_opened(self):
        for error in ERRORS:
            with self.subTest(error=error):
                self.check_fails(6, "openat", error, "-P", str(self.config))


if __name__ == "__main__":
    main()
