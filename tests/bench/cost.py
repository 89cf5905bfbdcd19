"""What a running server has cost: processor time, system calls, memory."""
import os
import re
import shutil
import signal
import subprocess
import time

from programs import BenchError

# The calls that are told by name; the rest are summed up.
NAMED_CALLS = ("epoll_wait", "epoll_ctl", "recvfrom", "recvmsg", "read", "readv", "sendto", "sendmsg", "write", "writev",
               "accept", "accept4", "timerfd_settime", "futex")


def cpu_seconds(pid):
    """User and system time of all threads, to the nanosecond: the process's CPU clock (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def user_and_system_ticks(pid):
    """(user, system), sampled by the kernel's tick: good for a share over seconds, not for a window."""
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])


def private_bytes(pid):
    """Memory that this process alone has written to."""
    rollup = open(f"/proc/{pid}/smaps_rollup", encoding="ascii").read()
    return 1024 * int(re.search(r"^Private_Dirty:\s+(\d+)", rollup, re.MULTILINE)[1])


def why_no_tracepoints():
    """None when system calls can be counted, else the reason, for the report."""
    if not shutil.which("perf"):
        return "perf is not installed (Debian: linux-perf)"
    tried = subprocess.run(["perf", "stat", "-e", "raw_syscalls:sys_enter", "true"], capture_output=True, check=False)
    return None if tried.returncode == 0 else "perf may not read tracepoints here (root, or perf_event_paranoid)"


class SystemCalls:
    """Counts the system calls of all threads of a process while it is entered, by tracepoints: strace would slow
    the server so much that other calls were made."""

    def __init__(self, pid):
        self.total, self.by_name = 0, {}
        control, self._orders = os.pipe()
        self._answers, answer = os.pipe()
        events = ["raw_syscalls:sys_enter", *(f"syscalls:sys_enter_{name}" for name in NAMED_CALLS)]
        self._perf = subprocess.Popen(
            ["perf", "stat", "-x;", "-D", "-1", "--control", f"fd:{control},{answer}", "-p", str(pid),
             "-e", ",".join(events)], stderr=subprocess.PIPE, text=True, pass_fds=(control, answer))
        os.close(control)
        os.close(answer)

    def __enter__(self):
        self._order("enable")
        return self

    def __exit__(self, *_):
        self._order("disable")
        self._perf.send_signal(signal.SIGINT)
        _, report = self._perf.communicate()
        os.close(self._orders)
        os.close(self._answers)
        for line in report.splitlines():
            value, _, event = line.split(";")[:3] if line.count(";") >= 2 else ("", "", "")
            if not value.isdigit():
                continue
            if event.startswith("raw_"):
                self.total = int(value)
            else:
                self.by_name[event.rpartition("sys_enter_")[2]] = int(value)

    def _order(self, order):
        os.write(self._orders, order.encode() + b"\n")
        if not os.read(self._answers, 64).startswith(b"ack"):
            raise BenchError(f"perf did not {order} its counters")
