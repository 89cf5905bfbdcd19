"""The two cores of a measurement, one for the server and one for all its clients, and what the daemon's own times are worth."""
import os
import pathlib
import re

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]  # what is measured is the server, not who is in its way


def pinned(core):
    os.sched_setaffinity(0, {core})


def core_seconds(core):
    """How long it has been busy, and how long a host had taken it away (proc(5), steal)."""
    times = [int(ticks) / os.sysconf("SC_CLK_TCK")
             for ticks in re.search(rf"^cpu{core} (.*)$", pathlib.Path("/proc/stat").read_text(), re.M)[1].split()]
    idle, iowait, steal = times[3], times[4], times[7]
    return sum(times[:8]) - idle - iowait, steal


def waited_seconds(pid, core):
    """How long that thread (a process's number is that of its first) has had to wait for its core, because another program or
    the host had it."""
    return core_seconds(core)[1] + int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def check_times(test, counters):
    test.assertLessEqual(counters["turn_us_max"], 5000)
    test.assertLessEqual(counters["reply_us_p99"], 2000)
