"""The echo that writes down its own times (timed_server.cpp)."""
import collections
import os
import subprocess

from .daemon import binary
from .waiting import DEADLINE

Record = collections.namedtuple("Record", "received due sent")  # in nanoseconds


class TimedServer:
    """A context manager. `core`: the one that it is to run on."""

    def __init__(self, delays_us=(0,), stall_ms=0, core=None):
        self._words = [",".join(map(str, delays_us)), str(stall_ms)]
        self._core = core

    def __enter__(self):
        pin = (lambda: os.sched_setaffinity(0, {self._core})) if self._core is not None else None
        self._process = subprocess.Popen([binary("timed_server"), *self._words], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, preexec_fn=pin)
        self.port = int(self._process.stdout.readline())
        self.address = f"127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self):
        return self._process.pid

    def records(self):
        """Of each message. Ends the server."""
        out, _ = self._process.communicate(timeout=DEADLINE)
        return [Record(*map(int, line.split())) for line in out.splitlines()]
