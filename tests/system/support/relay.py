"""A TCP relay that misbehaves by plan: what it does to the server's stream, and at which byte, is drawn from a seed."""
import asyncio
import collections
import contextlib
import random
import socket
import struct
import threading
import time

from .waiting import DEADLINE, wait_for

PIECE_BYTES = 1 << 16

RESET = "reset"  # both connections are reset
CUT = "cut"      # the client is told that the stream ends
DROP = "drop"    # nothing more is forwarded, and nobody is told
FLIP = "flip"    # one bit of the byte is another; `detail` is its mask
SLOW = "slow"    # from here on `detail` bytes a second
CALL = "call"    # the relay's own function is called before the byte is forwarded

# `at`: the offset in the server's stream, of one connection, of the first byte that is not forwarded as it came.
Fault = collections.namedtuple("Fault", "kind at detail", defaults=[0])


def draw_faults(dice, kind, bytes_max, connections=1, *, bytes_min=0):
    """A plan with one fault behind `bytes_min` and within `bytes_max` bytes of each of so many connections; those after them are
    faultless."""
    return [[Fault(kind, dice.randrange(bytes_min, bytes_max), 1 << dice.randrange(8))] for _ in range(connections)]


def plan_of(seed, kind, bytes_max, connections=1):
    """The plan of a seed, always the same."""
    return draw_faults(random.Random(seed), kind, bytes_max, connections)


class Relay:
    """Forwards every connection to `server`, which may be changed for those that come. `plan[k]` holds the faults of the k-th
    connection, `every` those of all behind it. `path`: it listens at that unix socket, whose buffers, unlike TCP's, do not grow.
    A context manager with a thread of its own, which also calls `call`; what that raises fails the test that leaves the relay."""

    def __init__(self, server, plan=(), *, every=(), call=None, path=None):
        self.server = server
        self.struck = []     # the faults that have happened
        self.carried = 0     # bytes of the server's streams that have been forwarded
        self.connections = 0
        self.history = []    # (seconds, bytes carried by then), one for each piece
        self._plan, self._every, self._call, self._path = list(plan), list(every), call, path
        self._open = set()
        self._problems = []  # what `call` has raised

    def __enter__(self):
        if self._path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(self._path)
            self._listener.listen()
            self.address = f"unix:{self._path}"
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # every connection has it from here
            self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._listener.setblocking(False)
        self._is_running = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._is_running.wait(DEADLINE)
        return self

    def __exit__(self, failure, *_):
        self._loop.call_soon_threadsafe(self._accepting.cancel)
        self._thread.join(DEADLINE)
        self._listener.close()
        if failure is None and self._problems:
            raise self._problems[0]

    def wait_until_carried(self, count):
        wait_for(lambda: self.carried >= count, f"{count} bytes to have been forwarded")

    def _run(self):
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._accept())

    async def _accept(self):
        self._loop, self._accepting = asyncio.get_running_loop(), asyncio.current_task()
        self._is_running.set()
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            faults = self._plan[self.connections] if self.connections < len(self._plan) else self._every
            self.connections += 1
            task = self._loop.create_task(self._serve(client, sorted(faults, key=lambda fault: fault.at)))
            self._open.add(task)  # the loop itself would forget it
            task.add_done_callback(self._forget)

    def _forget(self, task):
        self._open.discard(task)
        if not task.cancelled() and task.exception():
            self._problems.append(task.exception())

    async def _serve(self, client, faults):
        """One connection to its end. What breaks one side resets both."""
        server = socket.socket()
        with client, server:
            client.setblocking(False)
            server.setblocking(False)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # What is on its way within the kernel is neither here nor there: the less, the more exact is the offset.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE_BYTES)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE_BYTES)
            try:
                await self._loop.sock_connect(server, self.server)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._carry_up(client, server))
                    both.create_task(self._carry_down(server, client, collections.deque(faults)))
            except* OSError:
                for side in client, server:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def _carry_up(self, client, server):
        while data := await self._loop.sock_recv(client, PIECE_BYTES):
            await self._loop.sock_sendall(server, data)
        server.shutdown(socket.SHUT_WR)

    async def _carry_down(self, server, client, faults):
        at, rate = 0, None
        while data := await self._loop.sock_recv(server, PIECE_BYTES):
            while faults and faults[0].at < at + len(data):
                fault = faults.popleft()
                before, data = data[:fault.at - at], data[fault.at - at:]
                await self._forward(client, before, rate)
                at += len(before)
                self.struck.append(fault)
                if fault.kind == RESET:
                    raise ConnectionResetError
                if fault.kind == CUT:
                    return client.shutdown(socket.SHUT_WR)
                if fault.kind == DROP:
                    await asyncio.Event().wait()
                if fault.kind == FLIP:
                    data = bytes([data[0] ^ fault.detail]) + data[1:]
                if fault.kind == SLOW:
                    rate = fault.detail
                if fault.kind == CALL:
                    self._call()
            await self._forward(client, data, rate)
            at += len(data)
        client.shutdown(socket.SHUT_WR)

    async def _forward(self, client, data, rate):
        step = max(1, rate // 100) if rate else PIECE_BYTES
        for begin in range(0, len(data), step):
            piece = data[begin:begin + step]
            await self._loop.sock_sendall(client, piece)
            self.carried += len(piece)
            self.history.append((time.monotonic(), self.carried))
            if rate:
                await asyncio.sleep(len(piece) / rate)
