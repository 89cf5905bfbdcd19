"""The measurements. Each returns rows: plain dictionaries, which report.py makes tables of."""
import contextlib
import dataclasses
import functools
import shutil
import statistics
import time

from cost import SystemCalls, cpu_seconds, private_bytes, user_and_system_ticks
from files import file_memory, files, hashes, small_files
from load_test import LoadTest, Window
from programs import PEERS, PROTOCOLS, AsioFloor, Counts, Daemon, Floor, Generator
from rounds import interleaved, ratio

MESSAGE_BYTES = 64
# Long enough that what a timer or the log's thread does now and then is little beside it.
COUNTED_SECONDS = 0.3
ACCEPTS_AT_ONCE = 16


@dataclasses.dataclass
class Scope:
    """How much of everything."""
    rounds: int
    seconds: float  # of one window
    # Connections that hold a block of the pool give it back after a second of silence; then some.
    cool_down_seconds: float
    echo_loads: tuple  # (connections, depth)
    idle_connections: int
    file_bytes: int
    small_downloads: int
    small_connections: int


FULL = Scope(rounds=9, seconds=0.7, cool_down_seconds=1.5, echo_loads=((1, 1), (50, 1), (1000, 1), (10000, 1), (50, 16)),
             idle_connections=10000, file_bytes=1 << 30, small_downloads=10000, small_connections=1000)
QUICK = Scope(rounds=1, seconds=0.05, cool_down_seconds=0.1, echo_loads=((1, 1), (50, 1), (50, 16)), idle_connections=200,
              file_bytes=1 << 20, small_downloads=320, small_connections=20)


@dataclasses.dataclass
class Setup:
    build: object  # the folder of fairlead and the programs of the benchmark
    daemon: object  # the fairleadd to measure
    against: object  # another fairleadd instead of the floor, or None
    scope: Scope
    say: object  # takes a line of progress

    def reference(self, **options):
        return Daemon(self.against, name="against", **options) if self.against else Floor(self.build)

    @contextlib.contextmanager
    def peers(self):
        """The servers of others that are installed, where there is a floor to compare them with."""
        with contextlib.ExitStack() as stack:
            others = [lambda: AsioFloor(self.build), *(peer for peer in PEERS if shutil.which(peer.program))]
            yield [] if self.against else [stack.enter_context(other()) for other in others]


def windows_of(setup, servers, protocol, connections, depth=1, mode=(), gauges=None):
    """All windows of the servers, loaded in turn: lists by name. `gauges`: of some of them."""
    tests = {server.name: LoadTest(setup.build, server.pid, server.port(protocol),
                                   [*mode, *server.exchange(protocol, MESSAGE_BYTES)], connections, depth) for server in servers}
    gauges = gauges or {}
    return interleaved(setup.scope.rounds, {name: functools.partial(test.run, setup.scope.seconds, gauges.get(name))
                                            for name, test in tests.items()})


def compared(windows):
    """Of each server but the first: what an operation cost it, and the ratio to the first."""
    costs = {name: [window.server_seconds / window.done for window in of_server] for name, of_server in windows.items()}
    (_, reference), *others = costs.items()
    return [{"server": name, "reference_us": 1e6 * statistics.median(reference), "ours_us": 1e6 * statistics.median(cost),
             **ratio(cost, reference)} for name, cost in others]


def echo(setup):
    """Processor time of a message."""
    with setup.reference() as reference, Daemon(setup.daemon) as daemon, setup.peers() as peers:
        for protocol in PROTOCOLS:
            # Others have protocols of their own, which are text.
            servers = (reference, daemon, *(peers if protocol == "line" else ()))
            for connections, depth in setup.scope.echo_loads:
                windows = windows_of(setup, servers, protocol, connections, depth,
                                     gauges={daemon.name: lambda: user_and_system_ticks(daemon.pid)})
                user, system = map(sum, zip(*(window.gauged for window in windows[daemon.name])))
                for row in compared(windows):
                    row |= {"protocol": protocol, "connections": connections, "depth": depth}
                    if row["server"] == daemon.name and user + system > 0:
                        row["user_us"] = row["ours_us"] * user / (user + system)
                    setup.say(f"echo {row['server']} {protocol} {connections} x {depth}: {row['ratio']:.2f} "
                              f"({row['lowest']:.2f} to {row['highest']:.2f})")
                    yield row


def system_calls(setup):
    """System calls of a message, in all and by name; of the floor too, for `raw` bytes."""
    loads = [load for load in ((50, 1), (50, 16)) if load in setup.scope.echo_loads]
    with Floor(setup.build) as floor, Daemon(setup.daemon) as daemon:
        for server, protocol in ((floor, "line"), *((daemon, protocol) for protocol in PROTOCOLS)):
            for connections, depth in loads:
                with Generator(setup.build, server, protocol, MESSAGE_BYTES, connections, depth) as generator:
                    with SystemCalls(server.pid) as calls:
                        messages = generator.run(setup.scope.seconds)
                row = {"server": server.name, "protocol": protocol, "connections": connections, "depth": depth,
                       "total": calls.total / messages,
                       "by_name": {name: number / messages for name, number in calls.by_name.items()}}
                setup.say(f"system calls {server.name} {protocol} {connections} x {depth}: {row['total']:.3f}")
                yield row


def counts(setup):
    """Allocations and lock operations of a message, once the first ones have passed."""
    with Counts(setup.build) as counted, Daemon(setup.daemon, environment=counted.environment) as daemon:
        for protocol in PROTOCOLS:
            for connections, depth in ((50, 1), (50, 16)):
                test = LoadTest(setup.build, daemon.pid, daemon.port(protocol), daemon.exchange(protocol, MESSAGE_BYTES),
                                connections, depth)
                allocations, locks = test.run(COUNTED_SECONDS, gauge=counted.so_far).gauged
                setup.say(f"counts {protocol} {connections} x {depth}: {allocations:.4f} allocations, {locks:.4f} locks")
                yield {"protocol": protocol, "connections": connections, "depth": depth, "allocations": allocations,
                       "locks": locks}


def idle(setup):
    """User memory of a session that waits, after an exchange or without one; each in a server of its own."""
    exchanges = [*((protocol, MESSAGE_BYTES) for protocol in PROTOCOLS), ("line", 1024), ("line", 0)]
    for protocol, size in exchanges:
        with Daemon(setup.daemon) as daemon:
            heap = daemon.heap_in_use()
            row = held(setup, daemon, protocol, size, lambda: {"heap": daemon.heap_in_use() - heap})
        yield row
    with Floor(setup.build) as floor, setup.peers() as peers:
        for server in (floor, *peers):
            yield held(setup, server, "line", MESSAGE_BYTES)


def held(setup, server, protocol, size, more=dict):
    """How a server grows by connections that have exchanged so many bytes and wait; more() is asked meanwhile."""
    connections = setup.scope.idle_connections
    before = private_bytes(server.pid)
    test = LoadTest(setup.build, server.pid, server.port(protocol), server.exchange(protocol, size or MESSAGE_BYTES),
                    connections, spins=False)
    with test.hold(exchanges=size > 0):
        time.sleep(setup.scope.cool_down_seconds)
        grown = {**more(), "private": private_bytes(server.pid) - before}
    row = {"server": server.name, "protocol": protocol, "size": size, "connections": connections,
           **{what: size_ / connections for what, size_ in grown.items()}}
    setup.say(f"idle {server.name} {protocol} {size} B: {row['private']:.0f} bytes")
    return row


def accept(setup):
    """Processor time of a connection: connect, one exchange, close."""
    for level in ("info", "warn"):
        options = {"overrides": [f"log.level={level}"]}
        with setup.reference(**(options if setup.against else {})) as reference, \
                Daemon(setup.daemon, **options) as daemon, setup.peers() as peers:
            # Others write no line of a session, either.
            servers = (reference, daemon, *(peers if level == "warn" else ()))
            for row in compared(windows_of(setup, servers, "line", ACCEPTS_AT_ONCE, mode=("--mode", "conn"))):
                setup.say(f"accept {row['server']}, log level {level}: {row['ratio']:.2f} "
                          f"({row['lowest']:.2f} to {row['highest']:.2f})")
                yield row | {"log": level}


def load_test(setup):
    """Processor time of a message for who sends it, asleep while it waits, because else it would take all there is:
    fairlead bench beside the C generator; and what the server says to either."""
    connections, depth = 50, 16
    with Daemon(setup.daemon) as daemon, Counts(setup.build) as counted:
        for protocol in PROTOCOLS:
            ours, counting = (LoadTest(setup.build, daemon.pid, daemon.port(protocol), daemon.exchange(protocol, MESSAGE_BYTES),
                                       connections, depth, spins=False, environment=environment)
                              for environment in (None, counted.environment))
            with Generator(setup.build, daemon, protocol, MESSAGE_BYTES, connections, depth, sleeps=True) as theirs:
                windows = interleaved(setup.scope.rounds, {
                    "theirs": lambda: window_of_generator(setup, theirs, daemon), "ours": lambda: ours.run(setup.scope.seconds)})
            own, server = ({name: [getattr(window, seconds) / window.done for window in of_one]
                            for name, of_one in windows.items()} for seconds in ("own_seconds", "server_seconds"))
            allocations, locks = counting.run(COUNTED_SECONDS, gauge=counted.so_far).gauged
            row = {"protocol": protocol, "connections": connections, "depth": depth,
                   "reference_us": 1e6 * statistics.median(own["theirs"]), "ours_us": 1e6 * statistics.median(own["ours"]),
                   **ratio(own["ours"], own["theirs"]), "server_ratio": ratio(server["ours"], server["theirs"])["ratio"],
                   "allocations": allocations, "locks": locks}
            setup.say(f"load test {protocol} {connections} x {depth}: {row['ratio']:.2f} ({row['lowest']:.2f} to "
                      f"{row['highest']:.2f}) of the generator, {allocations:.4f} allocations; the server {row['server_ratio']:.2f}")
            yield row


def window_of_generator(setup, generator, server):
    before = [cpu_seconds(program.pid) for program in (generator, server)]
    messages = generator.run(setup.scope.seconds)
    own, of_server = (cpu_seconds(program.pid) - then for program, then in zip((generator, server), before))
    return Window(done=messages, own_seconds=own, server_seconds=of_server)


MEASUREMENTS = {"echo": echo, "calls": system_calls, "counts": counts, "idle": idle, "accept": accept,
                "load_test": load_test, "files": files, "hashes": hashes, "file_memory": file_memory, "small_files": small_files}
