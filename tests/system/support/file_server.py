"""A framed server of files, written from docs/protocol.md alone, with its files in memory: honest, until a subclass lies in one
answer."""
import contextlib
import hashlib
import socket
import struct
import threading

from .client import PlainServer
from .peers import ERROR, HELLO, NO_SUCH_FILE, OPEN, OPENED, PING, PONG, PREFACE, frame, receive_exactly
from .waiting import DEADLINE

STAT, STATUS, LIST, LISTING, GET, BEGIN, DATA, END, HASH, HASHES = range(0x20, 0x2a)
FILE_CHANGED = 20
FILE, DIRECTORY = 1, 2
MIB = 1 << 20
ALL = (1 << 64) - 1
ANY = bytes(40)
DATA_BYTES = 1 << 15
CHUNKS_MAX = ENTRIES_MAX = 1024


def identity(content, *, inode=1, mtime_ns=10**18):
    return struct.pack(">QQQqq", 1, inode, len(content), mtime_ns, mtime_ns)


def entry(kind, name, size=0):
    return struct.pack(">BQqH", kind, size, 10**18, len(name)) + name


def listing(entries, more=False):
    return struct.pack(">BH", more, len(entries)) + b"".join(entries)


def hashes_of(content, first=0, most=0):
    """The payload of HASHES behind the identity."""
    count = -(-len(content) // MIB)
    numbers = range(min(first, count), min(count, first + min(most or CHUNKS_MAX, CHUNKS_MAX)))
    return struct.pack(">I32sQI", MIB, hashlib.sha256(content).digest(), first, len(numbers)) + \
        b"".join(hashlib.sha256(content[number * MIB:(number + 1) * MIB]).digest() for number in numbers)


class FileServer(PlainServer):
    """A context manager, as PlainServer is. `files`: names (bytes) and contents; directories follow from the names. Every
    on_...() answers one request by reply(); a ConnectionError in it ends the connection. `asked` is a list of (type, name) of all
    of them."""

    def __init__(self, files=()):
        super().__init__(lambda _, connection: _Conversation(self, connection).run())
        self.files = dict(files)
        self.asked = []
        self.connections = 0
        self.sent = 0  # bytes of files

    # ---- What a subclass may do otherwise

    def identity_of(self, name):
        return identity(self.files[name])

    def bytes_of(self, name):
        """What is sent of a file."""
        return self.files[name]

    def on_open(self, reply):
        reply(OPENED)

    def on_stat(self, reply, name):
        if name in self.files:
            return reply(STATUS, bytes([FILE]) + self.identity_of(name))
        if self.children(name):
            return reply(STATUS, bytes([DIRECTORY]) + identity(b"", inode=2))
        return reply(ERROR, struct.pack(">I", NO_SUCH_FILE))

    def on_list(self, reply, name, after, most):
        children = sorted((child, kind) for child, kind in self.children(name).items() if child > after)
        page = children[:min(most or ENTRIES_MAX, ENTRIES_MAX)]
        prefix = name + b"/" if name else b""
        reply(LISTING, listing([entry(kind, child, len(self.files.get(prefix + child, b""))) for child, kind in page],
                               len(page) < len(children)))

    def on_get(self, reply, name, offset, length, wanted):
        if self.refuses(reply, name, wanted):
            return
        content = self.bytes_of(name)
        part = content[offset:min(len(content), offset + length)]
        reply(BEGIN, self.identity_of(name) + struct.pack(">QQ", offset, len(part)))
        self.send_data(reply, name, part)
        reply(END, struct.pack(">Q", len(part)))

    def on_hash(self, reply, name, first, most, wanted):
        if not self.refuses(reply, name, wanted):
            reply(HASHES, self.identity_of(name) + hashes_of(self.files[name], first, most))

    def send_data(self, reply, _name, part):
        for at in range(0, len(part), DATA_BYTES):
            reply(DATA, part[at:at + DATA_BYTES])
            self.sent += len(part[at:at + DATA_BYTES])

    def on_ping(self, reply, payload):
        reply(PONG, payload)

    # ---- Beneath it

    def children(self, directory):
        """Name -> kind, of what lies in the directory itself."""
        prefix = directory + b"/" if directory else b""
        below = [name[len(prefix):] for name in self.files if name.startswith(prefix)]
        return {name.split(b"/")[0]: DIRECTORY if b"/" in name else FILE for name in below}

    def refuses(self, reply, name, wanted):
        """Says why and is true where there is no such file, or another version is wanted."""
        if name not in self.files:
            reply(ERROR, struct.pack(">I", NO_SUCH_FILE))
        elif wanted not in (ANY, self.identity_of(name)):
            reply(ERROR, struct.pack(">I", FILE_CHANGED))
        else:
            return False
        return True

    def count(self, kind):
        return sum(1 for asked, _ in self.asked if asked == kind)


class Pausing(FileServer):
    """Sends half of a file and waits to be told to go on."""

    def __init__(self, files):
        super().__init__(files)
        self.go_on = threading.Event()

    def send_data(self, reply, name, part):
        super().send_data(reply, name, part[:len(part) // 2])
        self.go_on.wait(DEADLINE)
        super().send_data(reply, name, part[len(part) // 2:])

    def __exit__(self, *failure):
        self.go_on.set()
        super().__exit__(*failure)


class _Conversation:
    """One connection: frames in, calls of the server's on_...()."""

    def __init__(self, server, connection):
        self._server, self._connection = server, connection

    def run(self):
        self._server.connections += 1
        try:
            self._converse()
        finally:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def _converse(self):
        if receive_exactly(self._connection, len(PREFACE)) != PREFACE:
            raise AssertionError("the client's first bytes are no preface")
        names = b"\x06python\x04file\x01\x04file"
        self._connection.sendall(PREFACE + frame(HELLO, struct.pack(">HHI", 1, 64, 1 << 20) + names))
        while True:
            try:
                length, kind, _, channel, request_id = struct.unpack(">IBBHI", receive_exactly(self._connection, 12))
            except (EOFError, TimeoutError):
                return
            payload = receive_exactly(self._connection, length)
            self._answer(kind, payload,
                         lambda answer, body=b"": self._connection.sendall(frame(answer, body, channel, request_id)))

    def _answer(self, kind, payload, reply):
        server = self._server
        if kind == OPEN:
            return server.on_open(reply)
        if kind == PING:
            return server.on_ping(reply, payload)
        if kind == STAT:
            server.asked.append((kind, payload))
            return server.on_stat(reply, payload)
        if kind == LIST:
            most, length = struct.unpack(">HH", payload[:4])
            server.asked.append((kind, payload[4 + length:]))
            return server.on_list(reply, payload[4 + length:], payload[4:4 + length], most)
        if kind == GET:
            offset, length = struct.unpack(">QQ", payload[:16])
            server.asked.append((kind, payload[56:]))
            return server.on_get(reply, payload[56:], offset, length, payload[16:56])
        if kind == HASH:
            first, most = struct.unpack(">QI", payload[:12])
            server.asked.append((kind, payload[52:]))
            return server.on_hash(reply, payload[52:], first, most, payload[12:52])
        return None  # HELLO and CLOSE need no answer
