"""The measurements. Each returns rows: plain dictionaries, which report.py makes tables of."""
import contextlib
import dataclasses
import statistics
import time

from cost import SystemCalls, cpu_seconds, private_bytes, user_and_system_ticks
from files import file_memory, files, hashes, small_files
from programs import PROTOCOLS, Daemon, Floor, Generator

MESSAGE_BYTES = 64
# Connections that hold a block of the pool give it back after a second of silence; then some.
COOL_DOWN_SECONDS = 1.5
# Long enough that what a timer or the log's thread does now and then is little beside it.
COUNTED_SECONDS = 0.3
ACCEPTS_AT_ONCE = 16


@dataclasses.dataclass
class Scope:
    """How much of everything."""
    rounds: int
    seconds: float  # of one window
    echo_loads: tuple  # (connections, depth)
    idle_connections: int
    file_bytes: int
    small_downloads: int
    small_connections: int


FULL = Scope(rounds=9, seconds=0.7, echo_loads=((1, 1), (50, 1), (1000, 1), (10000, 1), (50, 16)), idle_connections=10000,
             file_bytes=256 << 20, small_downloads=10000, small_connections=1000)
QUICK = Scope(rounds=1, seconds=0.05, echo_loads=((1, 1), (50, 1), (50, 16)), idle_connections=200, file_bytes=1 << 20,
              small_downloads=320, small_connections=20)


@dataclasses.dataclass
class Setup:
    build: object  # the folder of bench_floor, bench_generator and bench_counting.so
    daemon: object  # the fairleadd to measure
    against: object  # another fairleadd instead of the floor, or None
    scope: Scope
    say: object  # takes a line of progress

    def reference(self, **options):
        return Daemon(self.against, **options) if self.against else Floor(self.build)


def interleaved(scope, pair):
    """Runs both (server, generator) in turn, in alternating order; what a message cost each and their ratio, as
    medians over the rounds."""
    costs = {0: [], 1: []}
    for number in range(scope.rounds):
        for which in ((0, 1), (1, 0))[number % 2]:
            server, generator = pair[which]
            before = cpu_seconds(server.pid)
            messages = generator.run(scope.seconds)
            costs[which].append((cpu_seconds(server.pid) - before) / messages)
    ratios = [ours / theirs for theirs, ours in zip(costs[0], costs[1])]
    return {"reference_us": 1e6 * statistics.median(costs[0]), "ours_us": 1e6 * statistics.median(costs[1]),
            "ratio": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}


def echo(setup):
    """Processor time of a message."""
    with setup.reference() as reference, Daemon(setup.daemon) as daemon:
        for protocol in PROTOCOLS:
            for connections, depth in setup.scope.echo_loads:
                load = (protocol, MESSAGE_BYTES, connections, depth)
                with Generator(setup.build, reference, *load) as theirs, Generator(setup.build, daemon, *load) as ours:
                    ticks_before = user_and_system_ticks(daemon.pid)
                    row = interleaved(setup.scope, ((reference, theirs), (daemon, ours)))
                    user, system = (now - then for now, then in zip(user_and_system_ticks(daemon.pid), ticks_before))
                row |= {"protocol": protocol, "connections": connections, "depth": depth,
                        "user_us": row["ours_us"] * user / max(user + system, 1)}
                setup.say(f"echo {protocol} {connections} x {depth}: {row['ratio']:.2f} "
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
    with Daemon(setup.daemon, preload=setup.build / "bench_counting.so") as daemon:
        for protocol in PROTOCOLS:
            for connections, depth in ((50, 1), (50, 16)):
                with Generator(setup.build, daemon, protocol, MESSAGE_BYTES, connections, depth) as generator:
                    generator.run(COUNTED_SECONDS / 3)
                    before = daemon.counts()
                    messages = generator.run(COUNTED_SECONDS)
                    allocations, locks = ((now - then) / messages for now, then in zip(daemon.counts(), before))
                setup.say(f"counts {protocol} {connections} x {depth}: {allocations:.4f} allocations, {locks:.4f} locks")
                yield {"protocol": protocol, "connections": connections, "depth": depth, "allocations": allocations,
                       "locks": locks}


def idle(setup):
    """User memory of a session that has had one exchange and waits; each in a daemon of its own."""
    connections = setup.scope.idle_connections
    for protocol, size in ((*((protocol, MESSAGE_BYTES) for protocol in PROTOCOLS), ("line", 1024))):
        with Daemon(setup.daemon) as daemon:
            heap, private = daemon.heap_in_use(), private_bytes(daemon.pid)
            with Generator(setup.build, daemon, protocol, size, connections):
                time.sleep(COOL_DOWN_SECONDS)
                row = {"protocol": protocol, "size": size, "connections": connections,
                       "heap": (daemon.heap_in_use() - heap) / connections,
                       "private": (private_bytes(daemon.pid) - private) / connections}
        setup.say(f"idle {protocol} {size} B: {row['private']:.0f} bytes, of which heap {row['heap']:.0f}")
        yield row


def accept(setup):
    """Processor time of a connection: connect, one exchange, close."""
    for level in ("info", "warn"):
        options = {"overrides": [f"log.level={level}"]}
        with contextlib.ExitStack() as stack:
            reference = stack.enter_context(setup.reference(**(options if setup.against else {})))
            daemon = stack.enter_context(Daemon(setup.daemon, **options))
            pair = tuple((server, stack.enter_context(
                Generator(setup.build, server, "line", MESSAGE_BYTES, ACCEPTS_AT_ONCE, mode="accept")))
                for server in (reference, daemon))
            row = interleaved(setup.scope, pair) | {"log": level}
        setup.say(f"accept, log level {level}: {row['ratio']:.2f} ({row['lowest']:.2f} to {row['highest']:.2f})")
        yield row


MEASUREMENTS = {"echo": echo, "calls": system_calls, "counts": counts, "idle": idle, "accept": accept, "files": files,
                "hashes": hashes, "file_memory": file_memory, "small_files": small_files}
