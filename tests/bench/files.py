"""What downloads cost, and the hashes that verify them."""
import contextlib
import dataclasses
import os
import pathlib
import shutil
import statistics
import tempfile
import threading
import time

from cost import cpu_seconds, private_bytes
from file_client import HTTP_CLOSE, PREFACE, FramedClients, HttpClients, get_frame, hash_frame
from load_test import LoadTest
from programs import Daemon, Drain, FileFloor, Nginx
from rounds import interleaved, ratio

# Hashes of a file that has been left alone for so long are kept.
SETTLED_SECONDS = 2.1
HASHES_KNOWN = 1000
SMALL_BYTES = 1024
GIB = 1 << 30


@contextlib.contextmanager
def served_files():
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as root:
        yield pathlib.Path(root)


def write_file(path, size):
    """No two pages of a MiB are alike."""
    with open(path, "wb") as file:
        mebibyte = os.urandom(1 << 20)
        for _ in range(size >> 20):
            file.write(mebibyte)


@dataclasses.dataclass
class Downloads:
    """How one server is asked for the file."""
    name: str
    server: object
    port: int
    request: bytes  # by the C program, which throws away what comes
    words: tuple = ()  # by fairlead bench, which hashes it


def servers_of(setup, stack, root):
    floor = stack.enter_context(FileFloor(setup.build, root / "file"))
    daemon = stack.enter_context(Daemon(setup.daemon, root=root))
    yield Downloads("floor", floor, floor.port, b"file\n", ("-m", "file"))
    yield Downloads("text", daemon, daemon.port("file"), b"file\n", ("-m", "file"))
    yield Downloads("framed", daemon, daemon.port("framed_file"), PREFACE + get_frame(1, b"file"),
                    ("--protocol", "framed", "--service", "files", "-m", "file"))
    if shutil.which("nginx"):
        nginx = stack.enter_context(Nginx(root))
        # HTTP/0.9: the answer has no header, whose date would make each another one.
        yield Downloads("nginx", nginx, nginx.port, HTTP_CLOSE, ("-m", "GET /file"))
    else:
        setup.say("files: nginx is not installed (Debian: nginx-light), so nothing is compared with it")


def files(setup):
    """Processor time of a GiB from the page cache, to the C program and to fairlead bench."""
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(served_files())
        write_file(root / "file", setup.scope.file_bytes)
        servers = list(servers_of(setup, stack, root))
        for connections in (1, 16):
            yield from drained(setup, servers, connections)
            yield from verified(setup, servers, connections)


def drained(setup, servers, connections):
    with contextlib.ExitStack() as stack:
        def load(one):
            drain = stack.enter_context(Drain(setup.build, one.port, connections, setup.scope.file_bytes, one.request))

            def seconds_per_gib():
                before = cpu_seconds(one.server.pid)
                came = drain.run()
                return (cpu_seconds(one.server.pid) - before) / (came / GIB)
            return seconds_per_gib
        yield from rows_of(setup, "drain", connections, {one.name: load(one) for one in servers})


def verified(setup, servers, connections):
    def load(one):
        test = LoadTest(setup.build, one.server.pid, one.port, ["--mode", "file", "--timeout", "10m", *one.words], connections)

        def seconds_per_gib():
            window = test.run_once()
            return window.server_seconds / (window.bytes_in / GIB)
        return seconds_per_gib
    yield from rows_of(setup, "bench", connections, {one.name: load(one) for one in servers})


def rows_of(setup, reader, connections, loads):
    costs = interleaved(setup.scope.rounds, loads)
    for name, cost in costs.items():
        row = {"server": name, "reader": reader, "connections": connections, "seconds": statistics.median(cost)}
        for other in {"floor", "nginx"} & costs.keys() - {name}:
            row[f"to_{other}"] = ratio(cost, costs[other])["ratio"]
        setup.say(f"files {name} x {connections} to {reader}: {row['seconds']:.2f} s/GiB")
        yield row


def hashes(setup):
    """Processor time of the hashes of a file in the page cache, before anybody has asked for them and after."""
    with served_files() as root, Daemon(setup.daemon, root=root) as daemon:
        write_file(root / "file", setup.scope.file_bytes)
        with FramedClients(daemon.port("framed_file"), 1) as clients:
            def seconds(count):
                before = cpu_seconds(daemon.pid)
                clients.run(count, 1, lambda number: hash_frame(number, b"file"))
                return (cpu_seconds(daemon.pid) - before) / count
            cold = []
            for _ in range(setup.scope.rounds):
                os.utime(root / "file")  # another version
                cold.append(seconds(1))
            time.sleep(SETTLED_SECONDS)
            seconds(1)
            warm = seconds(HASHES_KNOWN)
    for asked, cost in ("the first time", statistics.median(cold)), ("again", warm):
        setup.say(f"hashes, {asked}: {1000 * cost:.3f} ms")
        yield {"asked": asked, "bytes": setup.scope.file_bytes, "seconds": cost}


def file_memory(setup):
    """User memory before, during and after downloads, once there has been one."""
    with served_files() as root, Daemon(setup.daemon, root=root) as daemon:
        size = setup.scope.file_bytes
        with open(root / "file", "wb") as file:
            file.truncate(size)
        for connections in (1, 16):
            with Drain(setup.build, daemon.port("framed_file"), connections, size, PREFACE + get_frame(1, b"file")) as drain:
                drain.run()
                before, seen, over = private_bytes(daemon.pid), [], threading.Event()

                def watch():
                    while not over.wait(0.02):
                        seen.append(private_bytes(daemon.pid))
                watching = threading.Thread(target=watch)
                watching.start()
                drain.run()
                over.set()
                watching.join()
                after = private_bytes(daemon.pid)
            row = {"connections": connections, "bytes": size, "before": before, "most": max([*seen, after]), "after": after}
            setup.say(f"memory of {connections} downloads: {before} before, {row['most']} at most, {after} after")
            yield row


def small_files(setup):
    """Processor time of a download that is nearly nothing but its request."""
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(served_files())
        (root / "file").write_bytes(os.urandom(SMALL_BYTES))
        daemon = stack.enter_context(Daemon(setup.daemon, root=root))
        servers = [("framed", daemon, FramedClients, daemon.port("framed_file"), lambda number: get_frame(number, b"file"))]
        if shutil.which("nginx"):
            nginx = stack.enter_context(Nginx(root))
            servers.append(("nginx", nginx, HttpClients, nginx.port, lambda _: b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n"))
        count = setup.scope.small_downloads
        for connections, depth in (1, 16), (setup.scope.small_connections, 1):
            costs = {name: [] for name, *_ in servers}
            with contextlib.ExitStack() as loads:
                clients = [loads.enter_context(kind(port, connections)) for _, _, kind, port, _ in servers]
                for _ in range(setup.scope.rounds):
                    for (name, server, _, _, request), load in zip(servers, clients):
                        before = cpu_seconds(server.pid)
                        load.run(count // connections, depth, request)
                        costs[name].append((cpu_seconds(server.pid) - before) / count)
            for name, cost in costs.items():
                row = {"server": name, "connections": connections, "depth": depth, "us": 1e6 * statistics.median(cost)}
                if "nginx" in costs and name != "nginx":
                    row["to_nginx"] = statistics.median(ours / theirs for ours, theirs in zip(cost, costs["nginx"]))
                setup.say(f"files of {SMALL_BYTES} bytes, {name} {connections} x {depth}: {row['us']:.1f} us")
                yield row
