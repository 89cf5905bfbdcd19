"""What a server that answers messages needs of each protocol: take() cuts (id, payload) from the front of what has come and returns
what is left, reply() is the bytes of an answer. Written from docs/protocol.md alone."""
import struct

from .peers import HELLO, MESSAGE, PREFACE, REPLY, frame, len32, receive_exactly

HELLO_FRAME = frame(HELLO, struct.pack(">HHI", 1, 1, 1 << 20) + b"\0\0\0")


class Text:
    """A message is what stands between two ends of line; its id is nobody's business."""

    @staticmethod
    def greet(_):
        pass

    @staticmethod
    def take(data):
        *lines, rest = data.split(b"\n")
        return [(None, line) for line in lines], rest

    @staticmethod
    def reply(_, payload):
        return payload + b"\n"


class Len32:
    greet = Text.greet

    @staticmethod
    def take(data):
        messages, at = [], 0
        while at + 4 <= len(data) and at + 4 + (size := int.from_bytes(data[at:at + 4], "big")) <= len(data):
            messages.append((None, data[at + 4:at + 4 + size]))
            at += 4 + size
        return messages, data[at:]

    @staticmethod
    def reply(_, payload):
        return len32(payload)


class FramedBytes:
    @staticmethod
    def greet(connection):
        receive_exactly(connection, len(PREFACE))
        connection.sendall(PREFACE + HELLO_FRAME)

    @staticmethod
    def take(data):
        messages, at = [], 0
        while at + 12 <= len(data) and at + 12 + (size := int.from_bytes(data[at:at + 4], "big")) <= len(data):
            if data[at + 4] == MESSAGE:  # else it is the client's HELLO
                messages.append((int.from_bytes(data[at + 8:at + 12], "big"), data[at + 12:at + 12 + size]))
            at += 12 + size
        return messages, data[at:]

    @staticmethod
    def reply(request_id, payload):
        return frame(REPLY, payload, 0, request_id)


PROTOCOLS = {"text": Text, "len32": Len32, "framed": FramedBytes}
