"""What the two processes of an upgrade say to each other, written from docs/decisions/0016 and the tables in server/handover alone."""
import array
import socket
import struct

HELLO, READY, GO, BATCH, ANSWER, REFUSE_ALL, DONE = range(1, 8)
TAKEN = 0
DESCRIPTORS_MAX = 253

UNDECIDED, TEXT, LEN32, FRAMED = range(4)

# Why a session is not taken.
NOT_UNDERSTOOD, NO_LISTENER, NO_SERVICE, SMALLER_LIMIT = range(1, 5)


def _table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


_TABLE = tuple(_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def message(kind, fields=b"", descriptors=0):
    body = struct.pack(">IBBH", len(fields), kind, 0, descriptors) + fields
    return body + struct.pack(">I", crc32c(body))


def field(tag, value):
    return struct.pack(">HI", tag, len(value)) + value


def fields_of(data):
    """(tag, value) each."""
    found = []
    while data:
        tag, size = struct.unpack(">HI", data[:6])
        found.append((tag, data[6:6 + size]))
        data = data[6 + size:]
    return found


def ready(version):
    return message(READY, field(0x8001, struct.pack(">H", version)))


def answer(number, verdicts):
    return message(ANSWER, field(0x8001, struct.pack(">I", number)) + field(0x8002, bytes(verdicts)))


def refuse_all(why):
    return message(REFUSE_ALL, field(0x8001, bytes([why])))


# ---- What the old process says

def hello(oldest=1, newest=1):
    return message(HELLO, field(0x8001, struct.pack(">H", oldest)) + field(0x8002, struct.pack(">H", newest)))


def go(last_id):
    return message(GO, field(0x8001, struct.pack(">Q", last_id)))


def batch(number, records):
    return message(BATCH, field(0x8001, struct.pack(">I", number)) + b"".join(field(0x8002, each) for each in records), len(records))


def channel(number, service, kind, messages=0):
    return field(0x8001, struct.pack(">H", number)) + field(0x8002, service.encode()) + field(0x8003, kind.encode()) + \
        field(0x0004, struct.pack(">I", messages))


def session(number, peer, protocol, *, listener="main", message_max=1 << 20, channels=(), more=b""):
    """The record of one whose listener is `auto`; `peer` is its getsockname()."""
    return (field(0x8001, struct.pack(">Q", number)) + field(0x8002, listener.encode()) + field(0x8003, b"\0") +
            field(0x8004, struct.pack(">BH", 1, peer[1]) + socket.inet_aton(peer[0])) + field(0x8005, bytes([protocol])) +
            field(0x800b, struct.pack(">I", message_max)) + b"".join(field(0x8011, each) for each in channels) + more)


# ---- The channel between them

class Channel:
    """One end of it."""

    def __init__(self, end):
        self.socket = end
        self.descriptors = []  # that have come
        self._received = b""

    def send(self, data, descriptors=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        sent = self.socket.sendmsg([data], rights)
        self.socket.sendall(data[sent:])

    def _receive_exactly(self, size):
        while len(self._received) < size:
            data, ancillary, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(4 * DESCRIPTORS_MAX))
            if not data:
                raise EOFError
            self._received += data
            for _, _, numbers in ancillary:
                self.descriptors += array.array("i", numbers[:len(numbers) // 4 * 4])
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def receive(self, wanted):
        """The fields of the next message, which is of that kind."""
        size, kind, _, _ = struct.unpack(">IBBH", self._receive_exactly(8))
        fields = fields_of(self._receive_exactly(size + 4)[:-4])
        if kind != wanted:
            raise AssertionError(f"a message of kind {kind} in place of {wanted}")
        return fields
