"""fairlead as a child process, and the plain servers it is tried against."""
import contextlib
import os
import socket
import struct
import subprocess
import threading

from .daemon import binary
from .waiting import DEADLINE

# What the client sees of the environment: nothing of who runs the tests. Reports are as wide as their tests expect them to be.
ENVIRONMENT = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TERM": "xterm", "COLUMNS": "100",
               **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}}


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr.decode("utf-8")

    @property
    def text(self):
        return self.out.decode("utf-8")


def fairlead(*arguments, stdin=None, environment=None, stdout=subprocess.PIPE, preexec=None):
    """Runs it to its end. `stdin`: bytes that a pipe brings; None: /dev/null."""
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    process = subprocess.run([binary("fairlead"), *arguments], stdout=stdout, stderr=subprocess.PIPE,
                             timeout=DEADLINE, env={**ENVIRONMENT, **(environment or {})}, preexec_fn=preexec, **given)
    return Result(process)


class PlainServer:
    """A listening socket and a function that is given each connection, in a thread of its own. An exception in it
    fails the test that leaves the server. `received` is for the function to fill."""

    def __init__(self, serve, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._serve = serve
        self._problems = []
        self._threads = []
        self._connections = []
        self.received = []
        self.port = self._listener.getsockname()[1]
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def __enter__(self):
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, failure, *_):
        self.stop_listening()
        self._accepting.join(DEADLINE)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(DEADLINE)
        for connection in self._connections:
            connection.close()
        if failure is None and self._problems:
            raise self._problems[0]

    def stop_listening(self):
        """Whoever comes from now on is refused."""
        with contextlib.suppress(OSError):  # it was told before
            self._listener.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(DEADLINE)
            self._connections.append(connection)
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, connection):
        try:
            self._serve(self, connection)
        except (ConnectionError, BrokenPipeError):
            pass
        except Exception as problem:  # noqa: BLE001
            self._problems.append(problem)


def hold(connection):
    """Says nothing, until the peer ends its side."""
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def reset(connection):
    """Ends it with a reset instead of a goodbye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def unused_port():
    """A port that nobody listens at. Bound and not listening would answer the same; this one is free again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def deaf_port():
    """A port whose connections are never accepted: a full backlog drops what comes, and connect(2) gets no answer."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
