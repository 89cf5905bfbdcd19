"""Clients that share no line with Fairlead: what a program in another language would write from docs/protocol.md."""
import collections
import socket
import struct

PREFACE = b"\xffFLD\x01\0\0\0"

HELLO, OPEN, OPENED, CLOSE, MESSAGE, REPLY, ERROR, PING, PONG, GOAWAY = range(1, 11)

# Numbers of close reasons that the tests meet on the wire.
MESSAGE_TOO_BIG, PROTOCOL_ERROR, DRAINING, CLOSE_AFTER, IDLE_TIMEOUT, MESSAGE_TIMEOUT = 11, 12, 17, 5, 6, 8
UNKNOWN_SERVICE, NO_SUCH_FILE, TOO_MANY_CHANNELS, NO_SUCH_CHANNEL = 23, 24, 25, 26

Frame = collections.namedtuple("Frame", "type flags channel request_id payload")
Hello = collections.namedtuple("Hello", "version channels_max bytes_max name service services")


def receive_exactly(client, size):
    """That many bytes; EOFError, which names what came, if the stream ends before."""
    parts, left = [], size
    while left:
        part = client.recv(min(left, 1 << 20))
        if not part:
            raise EOFError(b"".join(parts))
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def receive_until_end(client):
    parts = []
    while part := client.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def exchange(address, data):
    """Sends, ends the sending side, and takes what comes until the server ends its own."""
    from .daemon import connect
    with connect(address) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return receive_until_end(client)


def ends_by_reset(client):
    """Reads on; True if the connection is reset, False if it ends properly."""
    try:
        receive_until_end(client)
        return False
    except ConnectionResetError:
        return True


def len32(message):
    return struct.pack(">I", len(message)) + message


def receive_len32(client):
    return receive_exactly(client, struct.unpack(">I", receive_exactly(client, 4))[0])


def frame(kind, payload=b"", channel=0, request_id=0, flags=0):
    return struct.pack(">IBBHI", len(payload), kind, flags, channel, request_id) + payload


def frames_of(data):
    """The frames in bytes that were received, preface and all; EOFError if the last one is torn."""
    if not data.startswith(PREFACE):
        raise AssertionError(f"no preface: {data[:100]!r}")
    frames, at = [], len(PREFACE)
    while at < len(data):
        header = data[at:at + 12]
        if len(header) < 12:
            raise EOFError(header)
        length, kind, flags, channel, request_id = struct.unpack(">IBBHI", header)
        payload = data[at + 12:at + 12 + length]
        if len(payload) < length:
            raise EOFError(header + payload)
        frames.append(Frame(kind, flags, channel, request_id, payload))
        at += 12 + length
    return frames


def reason_of(payload):
    """The close reason in an ERROR or a CLOSE."""
    return struct.unpack(">I", payload[:4])[0]


class Framed:
    """One framed connection."""

    def __init__(self, client):
        self.socket = client
        self.last_id = 0
        if client.family != socket.AF_UNIX:
            # What has been sent is then in the server's kernel, not kept back by Nagle's algorithm.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(PREFACE)
        preface = receive_exactly(client, len(PREFACE))
        if preface != PREFACE:
            raise AssertionError(f"the server's first bytes are {preface!r}")
        self.hello = self._read_hello()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self):
        length, kind, flags, channel, request_id = struct.unpack(">IBBHI", receive_exactly(self.socket, 12))
        return Frame(kind, flags, channel, request_id, receive_exactly(self.socket, length))

    def read_until_end(self):
        """The frames that are left; EOFError inside a frame."""
        frames = []
        while True:
            try:
                frames.append(self.read())
            except EOFError as end:
                if end.args[0]:
                    raise
                return frames

    def send(self, kind, payload=b"", channel=0, request_id=0, flags=0):
        self.socket.sendall(frame(kind, payload, channel, request_id, flags))

    def next_id(self):
        self.last_id += 1
        return self.last_id

    def request(self, payload, channel=0):
        """Sends a request; its id."""
        self.send(MESSAGE, payload, channel, self.next_id())
        return self.last_id

    def ask(self, payload, channel=0):
        """The payload of the reply."""
        wanted = self.request(payload, channel)
        answer = self.read()
        if (answer.type, answer.channel, answer.request_id) != (REPLY, channel, wanted):
            raise AssertionError(f"no reply to {wanted}: {answer}")
        return answer.payload

    def open(self, channel, service):
        self.send(OPEN, service.encode(), channel, self.next_id())
        return self.read()

    def _read_hello(self):
        hello = self.read()
        if hello.type != HELLO:
            raise AssertionError(f"no HELLO: {hello}")
        version, channels_max, bytes_max = struct.unpack(">HHI", hello.payload[:8])
        words, rest = [], hello.payload[8:]
        def word():
            nonlocal rest
            text, rest = rest[1:1 + rest[0]], rest[1 + rest[0]:]
            return text.decode()
        name, service = word(), word()
        count, rest = rest[0], rest[1:]
        for _ in range(count):
            words.append(word())
        if rest:
            raise AssertionError(f"{rest!r} behind HELLO")
        return Hello(version, channels_max, bytes_max, name, service, words)
