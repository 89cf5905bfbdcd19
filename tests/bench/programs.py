"""The programs that a measurement runs: servers on core 0, the load generator on core 1."""
import json
import mmap
import os
import pathlib
import resource
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

SERVER_CORE, GENERATOR_CORE = 0, 1
PATIENCE = 30  # seconds that a program may take for anything that is no window

# What a message of each protocol adds to its payload on the wire.
HEADER_BYTES = {"raw": 0, "line": 0, "len32": 4, "framed": 12}
PROTOCOLS = ("line", "len32", "framed")
# How fairlead bench is told to speak it.
SPOKEN = {"raw": ("--boundary", "none"), "line": ("--boundary", "line"), "len32": ("--protocol", "len32"),
          "framed": ("--protocol", "framed")}

CONFIG = """
[server]
threads = 1
run_dir = {directory}
[log]
format = json
[listener.line]
bind = 127.0.0.1:0
protocol = text
service = echo
[listener.len32]
bind = 127.0.0.1:0
protocol = len32
service = echo
[listener.framed]
bind = 127.0.0.1:0
protocol = framed
service = echo
[service.echo]
type = echo
boundary = line
"""
CONFIG_OF_FILES = """
[listener.file]
bind = 127.0.0.1:0
protocol = text
service = files
[listener.framed_file]
bind = 127.0.0.1:0
protocol = framed
service = files
[service.files]
type = file
root = {root}
max_downloads = 4096
"""
CONFIG_OF_NGINX = """
daemon off;
worker_processes 1;
user root;
pid {directory}/pid;
error_log {directory}/errors;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    sendfile on;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


class BenchError(Exception):
    """A program did not do what it is for; the message is for whoever runs the benchmark."""


def on_core(core):
    def prepare():
        os.sched_setaffinity(0, {core})
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return prepare


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise BenchError(f"waited in vain for {what}")
        time.sleep(0.005)
    return value


def free_port():
    """For programs that cannot choose one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Program:
    """A child process; a context manager that ends it."""

    process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    @property
    def pid(self):
        return self.process.pid


class EchoServer(Program):
    """What is sent to it comes back."""

    def exchange(self, protocol, size):
        """A message of so many bytes and its reply, in the words of fairlead bench."""
        spoken, size = self.load(protocol, size)
        return [*SPOKEN[spoken], "--size", str(size)]


class Counts:
    """What a program does that was started in this environment; a context manager."""

    def __init__(self, build):
        self._file = tempfile.NamedTemporaryFile(prefix="fairlead-bench-")
        os.truncate(self._file.fileno(), 16)
        self._counts = mmap.mmap(self._file.fileno(), 16, prot=mmap.PROT_READ)
        self.environment = {"LD_PRELOAD": str(build / "bench_counting.so"), "FAIRLEAD_BENCH_COUNTS": self._file.name}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._counts.close()
        self._file.close()

    def so_far(self):
        """(allocations, locks)"""
        return struct.unpack("QQ", self._counts[:16])


class Floor(EchoServer):
    """The C server. It speaks every protocol that it may send back unchanged."""

    name, program = "floor", "bench_floor"

    def __init__(self, build):
        self.process = subprocess.Popen([build / self.program], stdout=subprocess.PIPE, text=True,
                                        preexec_fn=on_core(SERVER_CORE))
        self._port = int(self.process.stdout.readline())

    def load(self, protocol, size):
        """The protocol and the message size with which this server carries the same bytes."""
        return "raw", size + HEADER_BYTES[protocol]

    def port(self, _):
        return self._port


class AsioFloor(Floor):
    """What is the floor for a server of Boost.Asio."""

    name, program = "plain Asio", "bench_asio_floor"


class Daemon(EchoServer):
    """fairleadd with one thread and an echo behind a listener for each protocol."""

    def __init__(self, binary, name="fairleadd", environment=None, overrides=(), root=None):
        self.name = name
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="fairlead-bench-"))
        config = self._directory / "fairleadd.conf"
        text = CONFIG + (CONFIG_OF_FILES if root else "")
        config.write_text(text.format(directory=self._directory, root=root), encoding="utf-8")
        settings = [word for override in overrides for word in ("--set", override)]
        with open(self._directory / "log", "wb") as log:
            self.process = subprocess.Popen([binary, "-c", config, *settings], stderr=log, stdout=subprocess.DEVNULL,
                                            env={**os.environ, **(environment or {})}, preexec_fn=on_core(SERVER_CORE))
        try:
            self._ports = self._wait_for_ports()
        except BenchError:
            self.__exit__()
            raise

    def _wait_for_ports(self):
        ports = self._directory / "ports"
        wait_until(lambda: ports.exists() or self.process.poll() is not None, "fairleadd to listen")
        if not ports.exists():
            raise BenchError(f"fairleadd did not start: {self._log()}")
        lines = ports.read_text(encoding="utf-8").split("\n")
        return {line.split()[0]: int(line.rsplit(":", 1)[1]) for line in lines if line}

    def __exit__(self, *failure):
        super().__exit__(*failure)
        shutil.rmtree(self._directory, ignore_errors=True)

    def load(self, protocol, size):
        return protocol, size

    def port(self, protocol):
        return self._ports[protocol]

    def heap_in_use(self):
        """Bytes that the daemon has from the heap and has not given back, as it reports them itself."""
        before = len(self._events("counters"))
        self.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: len(self._events("counters")) > before, "the counters")
        return int(self._events("counters")[-1]["heap_in_use"])

    def _log(self):
        return (self._directory / "log").read_text(encoding="utf-8", errors="replace")

    def _events(self, name):
        whole = self._log().rpartition("\n")[0].split("\n")
        return [event for event in map(json.loads, filter(None, whole)) if event["event"] == name]


class FileFloor(Program):
    """The C server of one file."""

    name = "floor"

    def __init__(self, build, file):
        self.process = subprocess.Popen([build / "bench_file_floor", file], stdout=subprocess.PIPE, text=True,
                                        preexec_fn=on_core(SERVER_CORE))
        self.port = int(self.process.stdout.readline())


class Nginx(Program):
    """The file server to be measured against; its worker does the work."""

    name = "nginx"

    def __init__(self, root):
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="fairlead-bench-"))
        self.port = free_port()
        config = self._directory / "nginx.conf"
        config.write_text(CONFIG_OF_NGINX.format(directory=self._directory, port=self.port, root=root), encoding="utf-8")
        self.process = subprocess.Popen(["nginx", "-p", self._directory, "-c", config], stderr=subprocess.DEVNULL,
                                        preexec_fn=on_core(SERVER_CORE))
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self._worker = int(wait_until(children.read_text, "nginx's worker").split()[0])

    def __exit__(self, *_):
        self.process.terminate()  # killed, it would leave its worker behind
        self.process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def pid(self):
        return self._worker


class Peer(Program):
    """A server of others; `exchange` is the least that is asked of it."""

    def __init__(self, command):
        self._port = free_port()
        self.process = subprocess.Popen([word.format(port=self._port) for word in command], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=on_core(SERVER_CORE))
        try:
            wait_until(self._listens, f"{command[0]} to listen")
        except BenchError:
            self.__exit__()
            raise

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def port(self, _):
        return self._port


class Redis(Peer):
    name, program = "redis, `PING`", "redis-server"

    def __init__(self):
        super().__init__([self.program, "--port", "{port}", "--bind", "127.0.0.1", "--protected-mode", "no", "--save", "",
                          "--maxclients", "19000", "--tcp-backlog", "4096"])

    def exchange(self, *_):
        return ["--boundary", "none", "-m", r"PING\r\n", "--expect", r"+PONG\r\n"]


class Memcached(Peer):
    name, program = "memcached, `get`", "memcached"
    VALUE = "v" * 64

    def __init__(self):
        super().__init__([self.program, "-u", "root", "-l", "127.0.0.1", "-p", "{port}", "-t", "1", "-c", "19000", "-b", "4096"])
        with socket.create_connection(("127.0.0.1", self._port)) as client:
            client.sendall(f"set k 0 0 {len(self.VALUE)}\r\n{self.VALUE}\r\n".encode())
            client.recv(100)

    def exchange(self, *_):
        return ["--boundary", "none", "-m", r"get k\r\n",
                "--expect", rf"VALUE k 0 {len(self.VALUE)}\r\n{self.VALUE}\r\nEND\r\n"]


PEERS = (Redis, Memcached)


class Drain(Program):
    """Downloads from one server, a run at a time."""

    def __init__(self, build, port, connections, size, request):
        self.process = subprocess.Popen(
            [build / "bench_drain", str(port), str(connections), str(size), request.hex()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=on_core(GENERATOR_CORE))

    def run(self):
        """How many bytes have come."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise BenchError("the downloads ended early; the reason stands above")
        return int(line)


class Generator(Program):
    """A load on one server. Made when every connection has had one exchange; idle between windows."""

    def __init__(self, build, server, protocol, size, connections, depth=1, sleeps=False):
        spoken, message_bytes = server.load(protocol, size)
        self.process = subprocess.Popen(
            [build / "bench_generator", *(["-w"] if sleeps else []), "-p", spoken, "-s", str(message_bytes),
             "-c", str(connections), "-d", str(depth), str(server.port(protocol))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=on_core(GENERATOR_CORE))
        try:
            self._hear("ready")
        except BenchError:
            self.__exit__()
            raise

    def run(self, seconds):
        """Loads the server for so long; how many messages (or connections) that were."""
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return int(self._hear("a count"))

    def _hear(self, what):
        line = self.process.stdout.readline()
        if not line:
            raise BenchError(f"the generator ended instead of saying {what}; its reason stands above")
        return line.strip()
