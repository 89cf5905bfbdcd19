"""Listening sockets that are held over stops and starts of the daemon, as systemd holds them, and clients that come all the time."""
import selectors
import socket
import threading
import time

from .waiting import DEADLINE


def listening(host="127.0.0.1"):
    listener = socket.create_server((host, 0), backlog=4096)
    listener.setblocking(False)
    return listener


class Visitors:
    """So many clients a second, in a thread, until the context ends: each connects, says one line and waits for its echo. What
    became of them is in `served`, `failures` and `waited_max`."""

    def __init__(self, address, rate):
        self._address, self._pause = address, 1 / rate
        self._waiting = {}  # socket: (line, when)
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.begun = self.served = 0
        self.waited_max = 0.0
        self.failures = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.leave()
        self._selector.close()

    def leave(self):
        """No more come; those who are there wait for their echoes."""
        self._over.set()
        self._thread.join()

    def _run(self):
        due = time.monotonic()
        while not self._over.is_set():
            self._hear(max(0, due - time.monotonic()))
            while due <= time.monotonic() and not self._over.is_set():
                due += self._pause
                self._begin()
        end = time.monotonic() + DEADLINE
        while self._waiting and time.monotonic() < end:
            self._hear(0.1)
        self.failures += [f"no echo of {line!r}" for line, _ in self._waiting.values()]
        for client in self._waiting:
            client.close()

    def _begin(self):
        self.begun += 1
        line = b"visit %d\n" % self.begun
        client = socket.socket(socket.AF_INET)
        try:
            client.settimeout(DEADLINE)
            client.connect(self._address)
            client.sendall(line)
        except OSError as problem:
            client.close()
            self.failures.append(str(problem))
            return
        self._waiting[client] = line, time.monotonic()
        self._selector.register(client, selectors.EVENT_READ)

    def _hear(self, timeout):
        for key, _ in self._selector.select(timeout):
            client = key.fileobj
            line, begun = self._waiting.pop(client)
            self._selector.unregister(client)
            try:
                heard = client.recv(100)
                if heard == line:
                    self.served += 1
                    self.waited_max = max(self.waited_max, time.monotonic() - begun)
                else:
                    self.failures.append(f"{heard!r} for {line!r}")
            except OSError as problem:
                self.failures.append(str(problem))
            client.close()
