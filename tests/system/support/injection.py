"""System calls of a running daemon that fail, as strace makes them."""
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from .waiting import DEADLINE, wait_for


def strace_command(calls, error, when, output):
    """`when`: as in strace(1): 3+7 is the third and every seventh after it, of each thread; 1+ is every one."""
    return ["strace", "-f", "-qq", "-o", str(output), "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when={when}"]


def traced(environment=os.environ):
    """What strace starts gets this environment: a sanitizer cannot look for leaks in a process that is traced."""
    return {**environment, "ASAN_OPTIONS": environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def skip_without_strace():
    try:
        tried = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True)
    except FileNotFoundError:
        raise unittest.SkipTest("strace is not installed") from None
    if tried.returncode != 0:
        raise unittest.SkipTest(f"no process may be traced here: {tried.stderr.strip()}")


def _tracers(pid):
    lines = (line for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
             for line in (task / "status").read_text().splitlines())
    return {int(line.split()[1]) for line in lines if line.startswith("TracerPid:")}


class Injection:
    """While it lasts, `calls` of the daemon fail with `error`."""

    def __init__(self, daemon, calls, error, when):
        self._daemon = daemon
        self._output = tempfile.NamedTemporaryFile(prefix="fairlead-strace-", mode="r")
        self._command = [*strace_command(calls, error, when, self._output.name), "-p", str(daemon.pid)]

    def __enter__(self):
        self._strace = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: self._strace.poll() is not None or _tracers(self._daemon.pid) == {self._strace.pid},
                 "strace to have attached itself")
        if self._strace.poll() is not None:
            raise unittest.SkipTest(f"strace may not attach itself: {self._strace.stderr.read().strip()}")
        return self

    def __exit__(self, *_):
        self._strace.send_signal(signal.SIGTERM)
        self._strace.communicate(timeout=DEADLINE)
        wait_for(lambda: not self._daemon.is_running() or _tracers(self._daemon.pid) == {0}, "strace to have let go")
        self.failed = self.count()
        self._output.close()

    def count(self):
        """How many calls have failed so far."""
        return pathlib.Path(self._output.name).read_text().count("(INJECTED)")
