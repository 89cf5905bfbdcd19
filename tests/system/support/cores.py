"""The two cores of a measurement, one for the server and one for all its clients, and what the daemon's own times are worth."""
import ctypes
import mmap
import os
import pathlib
import re
import struct
import time

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]  # what is measured is the server, not who is in its way

BACKED_BYTES = 3 << 30


def pinned(core):
    os.sched_setaffinity(0, {core})


def busy_seconds(core):
    """How long it has been busy (proc(5))."""
    times = [int(ticks) / os.sysconf("SC_CLK_TCK")
             for ticks in re.search(rf"^cpu{core} (.*)$", pathlib.Path("/proc/stat").read_text(), re.M)[1].split()]
    user, nice, system, _idle, _iowait, irq, softirq = times[:7]
    return user + nice + system + irq + softirq


def back_memory():
    """A virtual machine's host may give it memory only when that is first written to, which takes a loop milliseconds: so it is
    written to before, and is free again."""
    mmap.mmap(-1, BACKED_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}  # its number
PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, PERF_FLAG_FD_CLOEXEC = 1, 1, 8
PERF_ATTRIBUTES = struct.Struct("=IIQ96x")  # type, size, config: perf_event_open(2)


def open_task_clock(thread):
    """What counts the nanoseconds for which that thread has been put on a core, from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = PERF_ATTRIBUTES.pack(PERF_TYPE_SOFTWARE, PERF_ATTRIBUTES.size, PERF_COUNT_SW_TASK_CLOCK)
    clock = libc.syscall(PERF_EVENT_OPEN[os.uname().machine], attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC)
    if clock < 0:
        raise OSError(ctypes.get_errno(), "perf_event_open: it takes root or kernel.perf_event_paranoid = 1 to judge times")
    return open(clock, "rb", buffering=0)


class HeldUp:
    """How long a process has been held up: its first thread by another program that had its core, and all of them by a host that
    had taken the core away meanwhile. That is what the CPU clock, which leaves it out, lacks of the time that they were put on a
    core for; /proc/stat tells it only when it has come to 10 ms, and not when that was."""
    APART_MAX_NS = 100_000

    def __init__(self, pid):
        self._pid = pid
        self._task_clocks = [open_task_clock(int(thread)) for thread in os.listdir(f"/proc/{pid}/task")]

    def seconds(self):
        """Since any time: to be compared with what it says later."""
        waited = int(pathlib.Path(f"/proc/{self._pid}/schedstat").read_text().split()[1])
        while True:
            on_core = self._on_core()
            ran = time.clock_gettime_ns(~self._pid << 3 | 2)  # as of clock_getcpuclockid(3)
            if self._on_core() - on_core < self.APART_MAX_NS:  # or this process has been held up itself, between the two
                return (waited + on_core - ran) / 1e9

    def _on_core(self):
        return sum(struct.unpack("Q", clock.read(8))[0] for clock in self._task_clocks)

    def close(self):
        for clock in self._task_clocks:
            clock.close()


class Windows:
    """The daemon's own times, in windows of which only those count in which the thread of its loop had its core for itself. A
    context manager."""
    HELD_UP_MAX_SECONDS = 0.001  # what a thread waits whenever it wakes up, with nobody else there, adds up to less

    def __init__(self, daemon):
        self._daemon = daemon
        self._all = 0
        self._undisturbed = []
        self._held_up = HeldUp(daemon.pid)
        self._before = self._held_up.seconds()
        self._daemon.counters()  # the times are those since the last line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._held_up.close()

    def end(self):
        """Ends one and begins the next. The turn in which the daemon tells its times is the first of the next, so what holds it up
        meanwhile counts for both."""
        before = self._held_up.seconds()
        counters = self._daemon.counters()
        self._all += 1
        if self._held_up.seconds() - self._before < self.HELD_UP_MAX_SECONDS:
            self._undisturbed.append(counters)
        self._before = before

    def judge(self, test, late_share=0.01):
        """No turn above 5 ms and, as a rule, one reply in a hundred above 2 ms, but for one window in twenty: a virtual machine is
        held up by its host for as long without being told (docs/performance.md)."""
        if not self._undisturbed:
            return print(f"NOT JUDGED: in each of {self._all} windows it had to wait for its core")
        by_turn = sorted(self._undisturbed, key=lambda counters: counters["turn_us_max"])
        longest = [counters["turn_us_max"] for counters in by_turn]
        judged = by_turn[:-(-len(by_turn) * 19 // 20)]
        timed, late = (sum(counters[name] for counters in judged) for name in ("replies_timed", "replies_late"))
        print(f"in {len(longest)} of {self._all} windows it had its core for itself: longest turns {longest[-5:]} us, "
              f"{late} of {timed} replies above 2 ms in {len(judged)} of them")
        test.assertGreater(timed, 100)
        test.assertLessEqual(judged[-1]["turn_us_max"], 5000)
        test.assertLessEqual(late, timed * late_share)
