"""While sixteen clients download as fast as they can, whoever asks for a word gets it at once, by the daemon's own times: with a
core of its own, and nothing else on the machine. Only with FAIRLEAD_LONG=1."""
import os
import pathlib
import select
import socket
import struct
import tempfile
import time
import unittest

from support.cores import CLIENT_CORE, CORES, SERVER_CORE, Windows, back_memory, pinned
from support.daemon import Daemon, connect
from support.peers import CLOSE, PREFACE, frame
from support.runner import main, needs_long
from support.worker import Worker
from test_files import ALL, ANY, GET

MIB = 1 << 20
FILE_BYTES = 64 * MIB
DOWNLOADS = 16
WINDOWS, WINDOW_SECONDS = 100, 0.1

CONFIG = """
[server]
threads = 1
[listener.files]
bind = 127.0.0.1:0
service = file
[listener.main]
bind = 127.0.0.1:0
protocol = text
service = echo
[service.file]
type = file
root = {root}
boundary = line
[service.echo]
type = echo
boundary = line
"""
# What is asked for, and then the end of the conversation.
REQUESTS = {
    "text": b"file\n",
    "framed": PREFACE + frame(GET, struct.pack(">QQ", 0, ALL) + ANY + b"file", 0, 1) + frame(CLOSE),
}


def download_on_and_on(address, request, pipe):
    """Each of them the whole file, and then again, until asked to end; tells how many bytes have come."""
    pinned(CLIENT_CORE)
    poller = select.epoll()
    clients, came, nowhere = {}, 0, bytearray(MIB)

    def begin():
        client = connect(address)
        client.sendall(request)
        client.setblocking(False)
        poller.register(client, select.EPOLLIN)
        clients[client.fileno()] = [client, 0]

    for _ in range(DOWNLOADS):
        begin()
    while not pipe.poll():
        for descriptor, _ in poller.poll(1):
            one = clients[descriptor]
            if size := one[0].recv_into(nowhere, MIB, socket.MSG_TRUNC):  # tcp(7): it is thrown away
                one[1] += size
                came += size
                continue
            if one[1] < FILE_BYTES:
                raise AssertionError(f"a download ended after {one[1]} bytes")
            del clients[descriptor]
            one[0].close()
            begin()
    pipe.send(came)
    for client, _ in clients.values():
        client.close()


@needs_long
class Latency(unittest.TestCase):
    def setUp(self):
        self.addCleanup(os.sched_setaffinity, 0, CORES)
        pinned(CLIENT_CORE)
        back_memory()
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-files-")))
        (self.root / "file").write_bytes(os.urandom(MIB) * (FILE_BYTES // MIB))

    def check_downloads(self, kind):
        with Daemon(CONFIG.format(root=self.root), preexec=lambda: pinned(SERVER_CORE)) as daemon:
            downloads = self.enterContext(Worker(download_on_and_on, daemon.address("files"), REQUESTS[kind]))
            daemon.wait_for_counters(lambda now: now["bytes_out"] > DOWNLOADS * FILE_BYTES, "the downloads to be under way")
            client = self.enterContext(daemon.connect())
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            windows = self.enterContext(Windows(daemon))
            for _ in range(WINDOWS):
                self.ask_for(WINDOW_SECONDS, client)
                windows.end()
            downloads.tell()
            print(f"{DOWNLOADS} {kind} downloads, {downloads.hear() // MIB} MiB")
        windows.judge(self)

    @staticmethod
    def ask_for(seconds, client):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            client.sendall(b"are you there?\n")
            if client.recv(100) != b"are you there?\n":
                raise AssertionError("another reply")

    def test_downloads_of_plain_clients(self):
        self.check_downloads("text")

    def test_downloads_of_framed_clients(self):
        self.check_downloads("framed")


if __name__ == "__main__":
    main()
