"""A daemon is replaced by the next one as operations.md says: with `accept = reuseport` nobody is refused meanwhile."""
import signal
import socket
import threading
import unittest

from support.daemon import Daemon
from support.runner import main
from support.waiting import DEADLINE, wait_for

CONFIG = """
[server]
accept = reuseport
[timeouts]
lame_duck = 300ms
[listener.main]
bind = 127.0.0.1:{port}
service = echo
[service.echo]
type = echo
boundary = line
"""


class Visitors:
    """They come one after the other, each with one line, in a thread of their own."""

    def __init__(self, port):
        self.port, self.served, self.failures, self.stop = port, 0, [], False
        self.thread = threading.Thread(target=self.come, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join(DEADLINE)

    def come(self):
        while not self.stop:
            try:
                with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as client:
                    client.sendall(b"x\n")
                    if client.recv(10) != b"x\n":
                        raise ConnectionError("no answer")
                self.served += 1
            except OSError as failure:
                self.failures.append(failure)


class Replacement(unittest.TestCase):
    def test_nobody_is_refused(self):
        with Daemon(CONFIG.format(port=0)) as old:
            port = old.address()[1]
            with old.connect() as stays, Visitors(port) as visitors:
                stays.sendall(b"x\n")
                wait_for(lambda: visitors.served > 10, "visitors")
                with Daemon(CONFIG.format(port=port)) as new:
                    old.stop(signal.SIGQUIT)
                    before = visitors.served
                    wait_for(lambda: visitors.served > before + 100 or visitors.failures, "visitors of the next one")
                    visitors.stop = True
                    visitors.thread.join(DEADLINE)
                    self.assertEqual([], visitors.failures)
                    self.assertGreaterEqual(new.counters()["accepted"], 100)


if __name__ == "__main__":
    main()
