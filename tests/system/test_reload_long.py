"""A thousand reloads while clients come, talk, stay and download: nobody is refused, reset or cut off, and nothing is left behind."""
import contextlib
import random
import select
import signal
import socket
import time
import unittest

from support.daemon import Daemon, connect
from support.runner import main
from support.waiting import DEADLINE, wait_for
from support.worker import Worker

RELOADS = 1000
HELD = 2000
CONNECTS_A_SECOND = 500
FILE_BYTES = 8 << 20
SEED = 20261201

BASE = """
[limits]
max_connections = {max_connections}
[timeouts]
idle = {idle}
[listener.main]
bind = 127.0.0.1:0
protocol = text
service = echo
[listener.files]
bind = 127.0.0.1:0
protocol = text
service = files
[service.echo]
type = echo
boundary = line
greeting = {greeting}
[service.files]
type = file
root = {directory}/served
"""


def hold(address, pipe):
    """HELD clients that talk in turn, until told to stop; each line comes back once and whole."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(address)) for _ in range(HELD)]
        greeted = [client.recv(100) for client in clients]
        pipe.send("held")
        said = 0
        while not pipe.poll():
            for number, client in enumerate(clients):
                line = b"%d of %d\n" % (said, number)
                client.sendall(line)
                received = b""
                while len(received) < len(line):
                    some = client.recv(1000)
                    if not some:
                        raise AssertionError(f"client {number} was cut off behind {said} lines ({greeted[number]})")
                    received += some
                if received != line:
                    raise AssertionError(f"client {number}: {received!r} for {line!r}")
                said += 1
                if pipe.poll():
                    break
        pipe.send(said)


def come(address, pipe):
    """CONNECTS_A_SECOND clients, each with one line; behind schedule they come at once."""
    done, began = 0, time.monotonic()
    while not pipe.poll():
        due = began + done / CONNECTS_A_SECOND
        if due > time.monotonic():
            select.select([], [], [], due - time.monotonic())
        with connect(address) as client:
            client.sendall(b"here\n")
            received = b""
            while not received.endswith(b"here\n"):
                some = client.recv(1000)
                if not some:
                    raise AssertionError(f"visitor {done} was cut off: {received!r}")
                received += some
        done += 1
    pipe.send(done)


def download(address, pipe):
    done = 0
    while not pipe.poll():
        with connect(address) as client:
            client.sendall(b"file\n")
            size = 0
            while some := client.recv(1 << 16):
                if some.strip(b"f"):
                    raise AssertionError("another content")
                size += len(some)
                time.sleep(0.002)  # so that it is under way while reloads come
            if size != FILE_BYTES:
                raise AssertionError(f"{size} bytes of {FILE_BYTES}")
        done += 1
    pipe.send(done)


class ReloadsUnderLoad(unittest.TestCase):
    def test_nobody_notices(self):
        chance = random.Random(SEED)
        with contextlib.ExitStack() as stack:
            folder = None
            values = {"max_connections": 15000, "idle": "10m", "greeting": "hello"}
            daemon = Daemon("")
            folder = daemon.directory

            def config(extra=""):
                return BASE.format(directory=folder, **values) + extra

            (folder / "served").mkdir()
            (folder / "served" / "file").write_bytes(b"f" * FILE_BYTES)
            (folder / "test.conf").write_text(config())
            stack.enter_context(daemon)
            workers = [stack.enter_context(Worker(hold, daemon.address("main")))]
            self.assertEqual("held", workers[0].hear(4 * DEADLINE))
            workers.append(stack.enter_context(Worker(come, daemon.address("main"))))
            workers += [stack.enter_context(Worker(download, daemon.address("files"))) for _ in range(2)]

            answers = {"reloaded": 0, "reload_refused": 0}
            figures = []
            for number in range(RELOADS):
                kind = chance.choices(["value", "invalid", "listeners"], weights=[5, 3, 2])[0]
                values["idle"] = f"{chance.randrange(5, 60)}m"
                values["max_connections"] = chance.randrange(10000, 15000)
                values["greeting"] = f"hello{number}"
                extra = ""
                if kind == "listeners":
                    extra = "".join(f"[listener.l{one}]\nbind = 127.0.0.1:0, unix:{folder}/s{one}\nservice = echo\n"
                                    for one in range(chance.randrange(4)))
                if kind == "invalid":
                    extra = chance.choice(["[timeouts]\nidel = 1m\n", "[listener.x]\nbind = 127.0.0.1:0\nservice = none\n",
                                           f"[listener.x]\nbind = 127.0.0.1:{daemon.address('main')[1]}\nservice = echo\n",
                                           "[log]\nfile = /nonexistent/log\n", "[service.y]\ntype = nothing\n"])
                (folder / "test.conf").write_text(config(extra))
                daemon.send_signal(signal.SIGHUP)
                expected = "reload_refused" if kind == "invalid" else "reloaded"
                answers[expected] += 1
                wait_for(lambda: len(daemon.events(expected)) >= answers[expected], f"reload {number} ({kind}) to be answered")
                self.assertEqual(answers, {name: len(daemon.events(name)) for name in answers}, f"reload {number} ({kind})")
                if number % 100 == 99:
                    figures.append((daemon.descriptors(), daemon.resident_bytes()))
            for worker in workers:
                worker.tell("stop")
            said, came, *files = [worker.hear(4 * DEADLINE) for worker in workers]
            print(f"{answers}, {said} lines of {HELD} clients, {came} visitors, {sum(files)} downloads, "
                  f"descriptors and memory {figures[0]} to {figures[-1]}")
            self.assertGreater(min(said, came, *files), 0)
            self.assertLess(figures[-1][0] - figures[1][0], 60, figures)  # visitors and their ends come and go
            self.assertLess(figures[-1][1] - figures[1][1], 24 << 20, figures)
            (folder / "test.conf").write_text(config())
            daemon.send_signal(signal.SIGHUP)
            daemon.wait_for_events("reloaded", answers["reloaded"] + 1)
            counters = daemon.counters()
            self.assertEqual(0, counters["shed"])
            closed = {name for name in counters if name in ("reset", "draining", "internal_error", "idle_timeout")}
            self.assertEqual(set(), closed)


if __name__ == "__main__":
    main()
