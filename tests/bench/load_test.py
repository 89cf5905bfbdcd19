"""fairlead bench, which loads a server from the other core: a process for each window."""
import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import time

from programs import GENERATOR_CORE, BenchError, on_core, wait_until

# For the caches, and for what a server takes for its first messages and then keeps.
WARM_UP_SECONDS = 0.3
# One source address serves some 14,000 ports quickly, and those of an ended connection stay taken for a minute.
SOURCES = "127.0.0.0/24"
EXCHANGES_A_SECOND = 5000
# 0, or the verdict INVALID, which is about latencies, and those are not looked at here; 130: interrupted.
GOOD_EXITS = (0, 98)
INTERRUPTED = 130


@dataclasses.dataclass
class Window:
    """What one process found behind its warm-up."""
    done: int  # operations, all of them right
    server_seconds: float  # processor time of the server
    own_seconds: float  # and of the load test's thread
    rate: float = 0  # operations a second
    bytes_in: int = 0
    connections: int = 0  # open at the end
    gauged: tuple = ()  # by how much what was gauged grew for an operation


def milliseconds(seconds):
    return f"{round(1000 * seconds)}ms"


def sockets_of(pid):
    """How many there are."""
    folder, found = f"/proc/{pid}/fd", 0
    for descriptor in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            found += os.readlink(f"{folder}/{descriptor}").startswith("socket:")
    return found


class LoadTest:
    """How a server is to be loaded. `exchange`: what is sent and must come back, in the words of the command line."""

    def __init__(self, build, pid, port, exchange, connections, depth=1, *, spins=True, environment=None):
        self._connections = connections
        self._command = [str(build / "fairlead"), "bench", "--quiet", "--json", "-", "--pid", str(pid), "--source", SOURCES,
                         "-c", str(connections), "--inflight", str(depth), *(["--spin"] if spins else []), *exchange]
        self._address = f"127.0.0.1:{port}"
        self._environment = {**os.environ, **(environment or {})}

    def run(self, seconds, gauge=None):
        """A window. gauge(), which returns a tuple of numbers that only grow, is asked twice within it."""
        warm_up = min(WARM_UP_SECONDS, seconds)
        gauged = before = after = ()
        with self._process("--warmup", milliseconds(warm_up), "-d", milliseconds(warm_up + seconds)) as process:
            if gauge:
                self._wait_for_connections(process)
                time.sleep(warm_up)
                began, before = time.monotonic(), gauge()
                time.sleep(seconds / 2)
                after, gauged_seconds = gauge(), time.monotonic() - began
            window = self._window(process, GOOD_EXITS)
        if gauge:
            gauged = tuple((now - then) / (window.rate * gauged_seconds) for now, then in zip(after, before))
        return dataclasses.replace(window, gauged=gauged)

    def run_once(self):
        """One operation on each connection."""
        with self._process("-n", str(self._connections)) as process:
            return self._window(process, GOOD_EXITS)

    @contextlib.contextmanager
    def hold(self, exchanges):
        """The connections wait meanwhile; `exchanges`: after one on each, and another a second on all of them together."""
        seconds = self._connections / EXCHANGES_A_SECOND
        each = ["--stage", f"{milliseconds(seconds)}@{EXCHANGES_A_SECOND},1h@0"]
        with self._process(*(each if exchanges else ["--idle", "-d", "1h"])) as process:
            self._wait_for_connections(process)
            time.sleep(seconds if exchanges else 0)
            yield
            process.send_signal(signal.SIGINT)
            window = self._window(process, (INTERRUPTED,))
        if window.connections != self._connections or exchanges and window.done < self._connections:
            raise BenchError(f"not every connection was held: {window}")

    @contextlib.contextmanager
    def _process(self, *length):
        process = subprocess.Popen([*self._command, *length, self._address], stdout=subprocess.PIPE, text=True,
                                   env=self._environment, preexec_fn=on_core(GENERATOR_CORE))
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def _wait_for_connections(self, process):
        def all_are_there():
            if process.poll() is not None:
                raise BenchError(f"fairlead bench ended early, with {process.returncode}; its reason stands above")
            return sockets_of(process.pid) >= self._connections
        wait_until(all_are_there, "the connections")

    def _window(self, process, exits):
        report, _ = process.communicate()
        found = json.loads(report) if report else None
        if process.returncode not in exits or not found:
            why = found and found["first_mismatch"] or "its reason stands above"
            raise BenchError(f"fairlead bench ended with {process.returncode}: {why}")
        counts = found["counts"]
        if any(counts["errors"].values()) or any(counts["mismatches"].values()):
            raise BenchError(f"fairlead bench found what was wrong: {counts}")
        return Window(done=counts["done"], server_seconds=found["server"]["cpu_seconds"],
                      own_seconds=sum(thread["cpu_seconds"] for thread in found["generator"]["threads"]),
                      rate=counts["done"] / found["measured_seconds"], bytes_in=counts["bytes_in"],
                      connections=found["connections_open"])
