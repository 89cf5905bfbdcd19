"""Whatever bytes a peer puts wherever it may put some: one log line an event, one transcript line a message, and nothing in
either that a terminal, a pager or a parser would obey."""
import collections
import json
import re
import socket
import struct
import tempfile
import unittest

from support.daemon import Daemon
from support.peers import CLOSE, ERROR, Framed, HELLO, MESSAGE, OPEN, PING, PONG, PREFACE, exchange, frame, len32, \
    receive_until_end
from support.runner import main

DECODINGS = ("auto", "utf-8", "gbk", "gb18030", "latin1", "binary")
CONFIG = """
[listener.text]
bind = 127.0.0.1:0
protocol = text
service = chunks
[listener.files]
bind = 127.0.0.1:0
protocol = text
service = files
[listener.any]
bind = 127.0.0.1:0
service = chunks
services = chunks, files
[service.chunks]
type = log
boundary = chunk
on_connect = from: {{peer}} {{ip}} {{port}} {{id}}
on_close = gone: {{peer}}
[service.files]
type = file
boundary = chunk
root = {root}
on_missing = missing: {{len}} {{text}}
[limits]
max_message = 4096
[log]
level = debug
format = {format}
"""
# What each reads, it prints; one of them without a word of its own, so that the bytes can be compared.
DECODING_CONFIG = """
[listener.{listener}]
bind = 127.0.0.1:0
protocol = len32
service = {listener}
[service.{listener}]
type = log
decode = {decoding}
on_message = {on_message}
"""


def listener_of(decoding):
    return "as_" + decoding.replace("-", "")


def config(root, log_format):
    return CONFIG.format(root=root, format=log_format) + "".join(
        DECODING_CONFIG.format(listener=listener_of(decoding), decoding=decoding,
                               on_message="" if decoding == "binary" else decoding + ": {text} of {len}")
        for decoding in DECODINGS)


CONTROLS = "\u0085\u009b\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
FAKE_LINE = b'\n{"time":"2024-01-01T00:00:00.000Z","level":"info","event":"forged","reason":"none"}\n'
PAYLOADS = [b"a" + bytes([value]) + b"z" for value in range(256)] + [
    b"\r\n", b"a\r\nb", b"\n\n\n", b"\r", b"\0\0", b"\x1b[2J\x1b[H", b"\x1b]0;title\x07", b"\x1bP+q\x1b\\",
    b"\x9b31m", b"\x90x\x9c",
    *[f"a{control}z".encode() for control in CONTROLS],
    *[f"a{control}z".encode("gb18030") for control in CONTROLS],
    # overlong, surrogates, beyond Unicode, other encodings, torn
    b"\xc0\x80", b"\xc0\x8a", b"\xc0\x9b[2J", b"\xe0\x80\x8a", b"\xe0\x82\x9b", b"\xf0\x80\x80\x8a", b"\xf8\x80\x80\x80\x8a",
    b"\xed\xa0\x80", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80", b"\xfe\xff\x00a", b"\xff\xfe\x0a\x00", b"\xe4\xbd",
    b"\x81\x30\x84\x36", b"\x81\x0a", b"\xc4\x0a\xe3\x1b",
    FAKE_LINE, b'"}' + FAKE_LINE, b'\\', b'\\"', b'\\n', b'\\u000a', b'" reason="none', b"reason=none x=\xff",
    b"{peer}{id}{text}", b"%s%n%x", b"$(reboot)`reboot`", b"../" * 20 + b"etc/passwd", "好\n的".encode(),
    "好\n的".encode("gbk"),
]
ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|u\{([0-9a-f]{4,6})\}|([nrt\\]))")


def unescaped(line):
    """The bytes that a line of a transcript stands for."""
    def meant(match):
        byte, code, letter = match.groups()
        if byte:
            return bytes([int(byte, 16)])
        return chr(int(code, 16)).encode() if code else {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\\": b"\\"}[letter]
    return ESCAPE.sub(meant, line)


class HostileBytes(unittest.TestCase):
    def setUp(self):
        self.root = self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-files-"))

    def check_harmless(self, data):
        """UTF-8 without a control character but the ends of its lines."""
        text = data.decode()
        self.assertEqual([], re.findall(f"[^\n]?[\0-\x09\x0b-\x1f\x7f-\x9f{CONTROLS}]", text)[:10])
        self.assertTrue(text == "" or text.endswith("\n"))

    def send_all_ways(self):
        """How many connections it took."""
        for decoding in DECODINGS:
            with self.daemon.connect(listener_of(decoding)) as client:
                client.sendall(b"".join(len32(payload) for payload in PAYLOADS))
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(b"", receive_until_end(client))
        for payload in PAYLOADS:
            for listener in ("text", "files"):
                self.assertEqual(b"", exchange(self.daemon.address(listener), payload))
            requests = [
                frame(HELLO, struct.pack(">HB", 1, len(payload)) + payload),
                frame(OPEN, payload, channel=1, request_id=1),
                frame(OPEN, b"files", channel=2, request_id=2),
                frame(MESSAGE, payload, channel=2, request_id=3),
            ]
            more = [
                frame(MESSAGE, payload, channel=9, request_id=4),
                frame(PING, payload[:32]),
                frame(0x80, payload),
                frame(CLOSE, payload, channel=2),
                frame(0x20, payload),
            ]
            with Framed(self.daemon.connect("any")) as client:
                client.socket.sendall(b"".join(requests))
                answers = [client.read()]
                while answers[-1].request_id != 3:  # the disk's; CLOSE would take it back
                    answers.append(client.read())
                client.socket.sendall(b"".join(more))
                client.socket.shutdown(socket.SHUT_WR)
                self.check_answers(answers + client.read_until_end(), payload)
            exchange(self.daemon.address("any"), PREFACE[:5] + payload + PREFACE)  # another version, at best
        return len(DECODINGS) + 4 * len(PAYLOADS)

    def check_answers(self, answers, payload):
        """The words of the server are ASCII. Only PONG gives bytes back."""
        errors = [answer.payload[4:] for answer in answers if answer.type == ERROR]
        self.assertEqual(4, len(errors))  # no such service, file, channel; unknown type
        for sentence in errors:
            self.assertRegex(sentence, rb"\A[ -~]+\Z")
        self.assertEqual([payload[:32]], [answer.payload for answer in answers if answer.type == PONG])

    def check_transcript(self, chunks):
        """`chunks`: how many messages the text listener has made of what it got."""
        data = (self.daemon.directory / "stdout").read_bytes()
        self.check_harmless(data)
        lines = data.splitlines()
        count = len(PAYLOADS)
        by_word = collections.Counter(line.partition(b" ")[0].decode() for line in lines)
        for decoding in DECODINGS:
            if decoding != "binary":
                self.assertEqual(count, by_word[decoding + ":"], decoding)
        self.assertEqual((2 * count, 3 * count, 3 * count), (by_word["missing:"], by_word["from:"], by_word["gone:"]))
        self.assertEqual(len(lines), 14 * count + chunks)
        # Printed as they came, so that each can be had back.
        printed = {unescaped(line) for line in lines}
        self.assertEqual([], [payload for payload in PAYLOADS if payload not in printed])

    def start(self, log_format):
        # Only JSON says by itself where it listens.
        self.daemon = self.enterContext(Daemon(config(self.root, log_format), mute=log_format != "json"))

    def stop(self):
        """What was logged in all."""
        self.daemon.stop()
        log = (self.daemon.directory / "stderr").read_bytes()
        self.check_harmless(log)
        return log.decode().splitlines()

    def test_with_the_log_in_json(self):
        self.start("json")
        connections = self.send_all_ways()
        events = [json.loads(line) for line in self.stop()]
        names = collections.Counter(event["event"] for event in events)
        self.assertLessEqual(names.pop("session_decided"), connections)
        self.assertEqual({"starting": 1, "limits": 1, "listening": 9, "ready": 1, "session_begun": connections, "session": connections,
                          "draining": 1, "counters": 1, "stopped": 1}, names)
        reasons = collections.Counter(event["reason"] for event in events if event["event"] == "session")
        self.assertEqual({"peer_closed", "protocol_error", "no_such_file"}, set(reasons))
        self.check_transcript(sum(event["messages_in"] for event in events if event.get("listener") == "text"
                                  and event["event"] == "session"))

    def test_with_the_log_as_text(self):
        self.start("text")
        connections = self.send_all_ways()
        lines = self.stop()
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [a-z]+ [a-z_]+( [a-z_0-9]+=\S+)*$")
        sessions = [line for line in lines if " info session " in line]
        self.assertEqual(connections, len(sessions))
        self.assertEqual(connections + 15, len([line for line in lines if " debug " not in line]))
        self.check_transcript(sum(int(re.search(r" messages_in=(\d+)", line)[1]) for line in sessions
                                  if " listener=text " in line))


if __name__ == "__main__":
    main()
