"""A daemon that is upgraded: all its processes, one behind the other, and the program at the path of its start, which a test replaces."""
import contextlib
import ctypes
import os
import pathlib
import select
import signal
import socket
import sys
import unittest

from .daemon import SOURCE_DIR, Daemon, binary
from .documents import close_reasons
from .peers import Framed, receive_exactly
from .waiting import DEADLINE, wait_for

OUTCOMES = ("upgraded", "upgrade_failed", "upgrade_refused")

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """A process whose parent has ended becomes this one's child, so that its exit status is told here."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def script(body, interpreter="/bin/sh"):
    return f"#!{interpreter}\n{body}\n"


def fake_taker(body):
    """A program in Python that is upgraded to; `body` uses what support/fake_taker.py has."""
    system = SOURCE_DIR / "tests" / "system"
    return script(f"import sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, {str(system)!r})\n"
                  f"from support.fake_taker import *\n{body}", sys.executable)


def balance(counters):
    """0: every session that has begun here is open, closed or elsewhere."""
    closed = sum(counters.get(reason, 0) for reason in close_reasons().values())
    return counters["accepted"] + counters.get("taken_over", 0) - counters["open"] - closed - counters.get("handed_over", 0)


def _parent_of(pid):
    """None: there is no such process. The number may be another one's by now."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))


class Generation:
    """One process of a daemon. A number that the kernel gives to another process is not mistaken for it."""

    def __init__(self, pid):
        self.pid = pid
        self.may_fail = False  # a test has killed it
        self._status = None
        self._descriptor = os.pidfd_open(pid)
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)

    def close(self):
        os.close(self._descriptor)

    def send_signal(self, number):
        signal.pidfd_send_signal(self._descriptor, number)

    def kill(self):
        self.may_fail = True
        self.send_signal(signal.SIGKILL)

    def has_ended(self, seconds=0):
        """Whether it has, or does within so many seconds."""
        return bool(self._poll.poll(1000 * seconds))

    def wait(self, seconds=DEADLINE):
        """Until it has ended. Its exit status; None of a process whose own parent has asked for it."""
        if not self.has_ended(seconds):
            raise AssertionError(f"process {self.pid} did not end within {seconds:g} s")
        try:
            told = os.waitid(os.P_PIDFD, self._descriptor, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            return self._status
        self._status = told.si_status if told.si_code == os.CLD_EXITED else -told.si_status
        return self._status

    def reap(self):
        if self.has_ended():
            self.wait()
            try:
                os.waitid(os.P_PIDFD, self._descriptor, os.WEXITED)
            except ChildProcessError:
                pass

    def program(self):
        """The file that it executes."""
        return os.readlink(f"/proc/{self.pid}/exe")

    def children(self):
        tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]


class UpgradedDaemon(Daemon):
    """Started by a path of its own, a symbolic link to fairleadd. Whatever is asked of a Daemon is asked of its youngest process. At
    the end every process is stopped, and each must end with exit status 0 that the test has not killed.

    `{directory}` in a configuration is the daemon's folder."""

    def __init__(self, config="", **options):
        super().__init__(config, **options)
        self.program = self.directory / "fairleadd"
        self.generations = []
        if options.get("config_file") is None:
            self.configure(config)
        if "program" not in options:
            self.put_program()
            self._program = str(self.program)

    def configure(self, config):
        """In one step, so that whoever reads meanwhile reads one or the other."""
        new = self.directory / "test.conf.new"
        new.write_text(config.replace("{directory}", str(self.directory)), encoding="utf-8")
        new.replace(self.directory / "test.conf")

    def put_program(self, text=None):
        """Puts a script at the path of the start, or fairleadd again, in the one step in which a package does."""
        new = self.directory / "fairleadd.new"
        new.unlink(missing_ok=True)
        if text is None:
            new.symlink_to(binary())
        else:
            new.write_text(text)
            new.chmod(0o755)
        new.replace(self.program)

    # ---- Life

    def start(self):
        adopt_orphans()
        super().start()
        self.generations = [Generation(self._process.pid)]
        return self

    @property
    def current(self):
        return self.generations[-1]

    @property
    def previous(self):
        return self.generations[-2]

    @property
    def pid(self):
        return self.current.pid

    def is_running(self):
        return bool(self.generations) and not self.current.has_ended()

    def is_running_after(self, seconds):
        return not self.current.has_ended(seconds)

    def send_signal(self, number):
        self.current.send_signal(number)

    def wait(self, timeout=DEADLINE):
        return self.current.wait(timeout)

    def kill(self):
        self.current.kill()
        self.current.wait()

    def stop(self, number=signal.SIGTERM, check=True):
        self.send_signal(number)
        status = self.wait()
        if check and status not in (0, None):  # None: the older process, which is its parent, has asked for it
            raise AssertionError(f"the daemon ended with {status}: {self.stderr()[-4000:]}")
        return status

    def __exit__(self, failure, *_):
        problems = []
        try:
            for generation in self.generations:
                if not generation.has_ended():
                    generation.send_signal(signal.SIGTERM)
            for generation in self.generations:
                try:
                    status = generation.wait()
                except AssertionError as problem:
                    problems.append(str(problem))
                    continue
                if status not in (0, None) and not generation.may_fail:
                    problems.append(f"process {generation.pid} of the daemon ended with {status}")
            problems += [f"process {pid} is still there" for pid in self._strays()]
            complaint = self.stderr()
        finally:
            self._clean_up()
        if failure is None and problems:
            raise AssertionError(f"{problems}: {complaint[-4000:]}")

    def _strays(self):
        """Those that an upgrade has begun and that have not become the daemon."""
        known = {generation.pid for generation in self.generations}
        began = {event["pid"] for event in self.events("upgrade_began")} - known
        return [pid for pid in began if _parent_of(pid) in known | {os.getpid()}] if self.generations else []

    def _clean_up(self):
        strays = self._strays()
        for generation in self.generations:
            if not generation.has_ended():
                generation.kill()
            generation.has_ended(DEADLINE)
        for pid in strays:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        for generation in self.generations[1:]:
            generation.reap()
        for generation in self.generations:
            generation.close()
        self.generations = []
        if self._process:
            self._process.kill()
            self._process.wait()
        super()._clean_up()

    # ---- Upgrades

    def ask_for_upgrade(self, ask=None):
        """Its answer; a refusal and a failure are answers, too. ask() makes somebody send USR2; without it it is sent here."""
        before = self._answers()
        (ask or (lambda: self.send_signal(signal.SIGUSR2)))()
        return self.wait_for_answer(before)

    def wait_for_answer(self, before):
        return wait_for(lambda: self.events_of(OUTCOMES)[before:], "an answer to USR2")[0]

    def _answers(self):
        return len(self.events_of(OUTCOMES))

    def events_of(self, names):
        return [event for event in self.events() if event["event"] in names]

    def begin_upgrade(self):
        """USR2; the process that it has begun, as `upgrade_began` tells, and how many answers there were before."""
        before, began = self._answers(), len(self.events("upgrade_began"))
        self.send_signal(signal.SIGUSR2)
        return self.wait_for_events("upgrade_began", began + 1)[-1], before

    def upgrade(self, ask=None):
        """Is upgraded; the event `upgraded`. From now on the new process is the daemon."""
        taken = len(self.events("took_over"))
        answer = self.ask_for_upgrade(ask)
        if answer["event"] != "upgraded":
            raise AssertionError(f"{answer}: {self.stderr()[-4000:]}")
        self.generations.append(Generation(answer["to"]))
        self.wait_for_events("took_over", taken + 1)
        return answer

    def counters_of(self, generation):
        before = len(self.events("counters"))
        generation.send_signal(signal.SIGUSR1)
        return wait_for(lambda: self.events("counters")[before:], "the counters")[0]

    def counters(self):
        return self.counters_of(self.current)


BASE = """
[listener.main]
bind = 127.0.0.1:0
service = answers
services = answers, echo, counted
[listener.lines]
bind = 127.0.0.1:0
protocol = text
service = echo
[listener.framed]
bind = 127.0.0.1:0
protocol = framed
service = echo
services = echo, counted
[listener.counted]
bind = 127.0.0.1:0
protocol = text
service = counted
[listener.files]
bind = 127.0.0.1:0
service = files
[service.answers]
type = reply
boundary = line
text = 收到
[service.echo]
type = echo
boundary = line
[service.counted]
type = echo
boundary = line
close_after = 3
[service.files]
type = file
root = {directory}/served
"""
ANSWER = "收到\n"
LISTENERS = 5
CONTENT = bytes(range(256)) * (1 << 16)  # 16 MiB: more than the kernel takes from a server whose client does not read


def numbered_lines(count):
    """A KiB each; lost, doubled and exchanged ones are seen."""
    return b"".join(b"%07d %s\n" % (number, b"x" * 991) for number in range(count))


class UpgradeTest(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def start(self, config=BASE, **options):
        self.daemon = self.stack.enter_context(UpgradedDaemon(config, **options))
        return self.daemon

    def connect(self, listener="main"):
        return self.stack.enter_context(self.daemon.connect(listener))

    def framed(self, listener="main"):
        return self.stack.enter_context(Framed(self.connect(listener)))

    def says(self, client, text, reply):
        client.sendall(text)
        self.assertEqual(reply, receive_exactly(client, len(reply)))

    def talking(self, listener="lines"):
        """A client of the echo that has been served."""
        client = self.connect(listener)
        self.says(client, b"before\n", b"before\n")
        return client

    def client_that_does_not_read(self):
        """It has room for little, so that replies wait in the daemon until somebody reads."""
        client = self.stack.enter_context(socket.socket())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(DEADLINE)
        client.connect(self.daemon.address("lines"))
        return client

    def goes_on(self, client):
        self.says(client, b"behind\n", b"behind\n")

    def wait_until_received(self, size):
        """What stands in the kernel would go along with the socket; this is about what was read."""
        self.daemon.wait_for_counters(lambda now: now["bytes_in"] == size, f"{size} bytes to be read")

    def check_the_old_one_ends(self):
        self.assertEqual(0, self.daemon.previous.wait())

    def serve_a_file(self):
        served = self.daemon.directory / "served"
        served.mkdir()
        (served / "file").write_bytes(CONTENT)
