"""fairleadd as a child process of one test: started with a configuration of its own, and gone when the test is."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

from .waiting import DEADLINE, wait_for

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[3]

# Memory for the busiest moment is kept and is no leak, and a busier one may always come: each of two threads keeps up to 1 MiB
# of blocks.
POOLS_KEEP_MAX = 2 << 20

# Read before the test's own configuration, which wins. The waits are short because every test ends with a drain.
PROLOGUE = """
[server]
threads = 2
run_dir = {directory}/run
[timeouts]
drain = 200ms
linger = 500ms
[log]
format = json
include = test.conf
"""


def binary(name="fairleadd"):
    folder = os.environ.get("FAIRLEAD_BIN_DIR")
    if not folder:
        raise RuntimeError("FAIRLEAD_BIN_DIR is not set: it names the folder of the programs to test")
    return str(pathlib.Path(folder) / name)


def behind_start(said):
    """What a start that fails says on stderr behind the log's first line, which is there if it got so far."""
    return re.sub(r"\A\S+Z info starting version=.*\n", "", said)


def socket_address(text):
    """The address that connect() takes, of one written as in the configuration and the log."""
    if text.startswith("unix:"):
        return text[len("unix:"):]
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def connect(address, timeout=DEADLINE, source=None):
    """A connected blocking socket. Every call on it ends within the deadline."""
    if isinstance(address, str):
        family = socket.AF_UNIX
    else:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    client = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_UNIX:
            # While the backlog is full, a socket with Python's time-out would fail at once; a blocking one waits.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(timeout), 0))
            client.connect(address)
        client.settimeout(timeout)
        if source:
            client.bind((source, 0))
        if family != socket.AF_UNIX:
            client.connect(address)
    except BaseException:
        client.close()
        raise
    return client


def passing(inherited):
    """What stands in front of a command so that it gets these sockets; they are in Popen's `pass_fds`, too."""
    if not inherited:
        return []
    names = ":".join(name for name, _ in inherited)
    numbers = ",".join(str(each.fileno()) for _, each in inherited)
    return [sys.executable, str(pathlib.Path(__file__).parent / "pass_sockets.py"), names, numbers]


class Daemon:
    """A context manager. Leaving it stops the daemon, and fails the test if that did not end with exit status 0."""

    def __init__(self, config="", *, arguments=(), environment=None, config_file=None, directory=None,
                 preexec=None, log_file=None, log_format="json", stdout=None, stderr=None, mute=False, program="fairleadd",
                 inherited=(), passed=()):
        """`stdout` and `stderr`: descriptors to be used instead of files of its own. `mute`: its log cannot be read, so
        the file `ports` says that it listens, and where. `inherited`: (name, socket) each, passed as sd_listen_fds(3) has it.
        `passed`: further descriptors that it gets."""
        self._owns_directory = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="fairlead-test-"))
        (self.directory / "run").mkdir(exist_ok=True)
        if config_file is None:
            config_file = self.directory / "fairleadd.conf"
            config_file.write_text(PROLOGUE.format(directory=self.directory), encoding="utf-8")
            (self.directory / "test.conf").write_text(config, encoding="utf-8")
            self._set = []
        else:
            self._set = ["--set", f"server.run_dir={self.directory}/run", "--set", "server.threads=2",
                         "--set", "timeouts.drain=200ms", "--set", "timeouts.linger=500ms",
                         "--set", "log.format=json"]
        self.config_file = config_file
        self._arguments = list(arguments)
        self._environment = environment or {}
        self._preexec = preexec
        self._program = program
        self._inherited = list(inherited)
        self._passed = list(passed)
        self._log_file = log_file or self.directory / "stderr"
        self._log_format = log_format
        self._stdout, self._stderr, self._mute = stdout, stderr, mute
        self._process = None
        self._log = None
        self._log_text = b""
        self._events = []

    # ---- Life

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self._clean_up()
            raise

    def start(self):
        ports = self.directory / "run" / "ports"
        ports.unlink(missing_ok=True)
        self._log_text, self._events = b"", []
        with open(self.directory / "stdout", "wb") as out, open(self.directory / "stderr", "wb") as err:
            self._process = subprocess.Popen(
                [*passing(self._inherited), binary(self._program), "-c", str(self.config_file), *self._set, *self._arguments],
                stdin=subprocess.DEVNULL, stdout=self._stdout or out, stderr=self._stderr or err, preexec_fn=self._preexec,
                env={**os.environ, **self._environment}, pass_fds=[*(each.fileno() for _, each in self._inherited), *self._passed])
        wait_for(lambda: self._is_ready() or self._process.poll() is not None, "the daemon to be ready")
        if not self._is_ready():
            raise AssertionError(f"the daemon did not start: {self.stderr()}")
        return self

    def __exit__(self, failure, *_):
        status = None
        try:
            if self._process and self.is_running():
                status = self.stop(check=False)
            elif self._process:
                status = self._process.returncode
        finally:
            complaint = self.stderr() if self._process else ""
            killed = self._process and self._process.returncode == -signal.SIGKILL
            self._clean_up()
        if failure is None and not killed and status != 0:
            raise AssertionError(f"the daemon ended with {status}: {complaint[-4000:]}")

    def _clean_up(self):
        if self._process and self.is_running():
            self._process.kill()
            self._process.wait()
        if self._log:
            self._log.close()
            self._log = None
        if self._owns_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _is_ready(self):
        if self._mute:
            return (self.directory / "run" / "ports").exists()
        if self._log is None and self._log_file.exists():
            self._log = open(self._log_file, "rb")
        if self._log_format == "text":
            return self._log is not None and " info ready " in self._log_file.read_text()
        return self.events("ready")

    @property
    def pid(self):
        return self._process.pid

    def is_running(self):
        return self._process.poll() is None

    def is_running_after(self, seconds):
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def send_signal(self, number):
        self._process.send_signal(number)

    def freeze(self):
        """SIGSTOP, and the certainty that none of its threads runs on: kill() does not wait for that."""
        self.send_signal(signal.SIGSTOP)
        stats = [task / "stat" for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir()]
        def state(stat):
            return stat.read_text().rpartition(")")[2].split()[0]
        wait_for(lambda: {state(stat) for stat in stats} == {"T"}, "every thread to stop")

    def wait(self, timeout=DEADLINE):
        """Waits for the end; the exit status."""
        return self._process.wait(timeout)

    def stop(self, number=signal.SIGTERM, check=True):
        self.send_signal(number)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the daemon did not end after TERM; it was killed")
        if check and status != 0:
            raise AssertionError(f"the daemon ended with {status}: {self.stderr()[-4000:]}")
        return status

    def kill(self):
        self._process.kill()
        self._process.wait()
        if self._log:
            self._log.close()
        self._log = None

    # ---- Where it listens

    def addresses(self, listener="main"):
        if self._mute:
            lines = [line.split(" ", 1) for line in (self.directory / "run" / "ports").read_text().splitlines()]
            return [socket_address(address) for name, address in lines if name == listener]
        return [socket_address(event["address"]) for event in self.events("listening")
                if event["listener"] == listener]

    def address(self, listener="main"):
        return self.addresses(listener)[0]

    def connect(self, listener="main", timeout=DEADLINE, source=None):
        return connect(self.address(listener), timeout, source)

    # ---- What it says

    def stdout(self):
        return (self.directory / "stdout").read_bytes().decode("utf-8")

    def stdout_lines(self):
        return self.stdout().splitlines()

    def stderr(self):
        return (self.directory / "stderr").read_bytes().decode("utf-8", "replace")

    def events(self, name=None):
        """The log so far, as dictionaries; lines that are no JSON (a sanitizer's) are left out."""
        if self._log is not None:
            self._log_text += self._log.read()
            *lines, self._log_text = self._log_text.split(b"\n")
            for line in lines:
                if line.startswith(b"{"):
                    self._events.append(json.loads(line))
        return [event for event in self._events if name is None or event["event"] == name]

    def wait_for_events(self, name, count=1, where=lambda event: True):
        """The first events of that name, once there are `count`."""
        def found():
            ended = not self.is_running()  # asked first: what it had logged by then is read below
            events = [event for event in self.events(name) if where(event)]
            if len(events) >= count:
                return events
            if ended:
                raise AssertionError(f"the daemon ended before {count} log events {name}: {self.stderr()[-4000:]}")
            return None
        return wait_for(found, f"{count} log events {name}")

    def sessions(self, count=0, listener=None):
        """The session lines, once there are at least `count`."""
        return self.wait_for_events("session", count, lambda event: listener in (None, event["listener"])) \
            if count else [event for event in self.events("session") if listener in (None, event["listener"])]

    def session_of(self, peer_name, listener="main"):
        """The session line of the client whose getsockname() this is. The kernel gives a client of another listener
        the same port again at once, so it takes both to tell one client."""
        host, port = peer_name[:2]
        peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return self.wait_for_events(
            "session", 1, lambda event: (event["peer"], event["listener"]) == (peer, listener))[0]

    def counters(self):
        """What USR1 makes the daemon log, asked for now."""
        before = len(self.events("counters"))
        self.send_signal(signal.SIGUSR1)
        return self.wait_for_events("counters", before + 1)[-1]

    def wait_for_counters(self, condition, what):
        return wait_for(lambda: (lambda now: now if condition(now) else None)(self.counters()), what)

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    def processor_seconds(self):
        """Of all its threads, on a processor."""
        tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def descriptors_at_rest(self):
        """When every thread has run: the first memory that one takes opens a file of the system for a moment."""
        self.counters()
        return self.descriptors()

    def wait_for_descriptors(self, count):
        """A sanitizer's own thread has a file open now and then, so one look is not enough; a leak stays."""
        wait_for(lambda: self.descriptors() == count, f"{count} descriptors to be open, as before")
