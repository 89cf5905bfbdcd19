"""One reply in ten thousand is wrong, and fairlead bench says which one and how: in each protocol."""
import re

from support.bench import BenchTest
from support.client import PlainServer
from support.echoing import PROTOCOLS, Text
from support.runner import main

MESSAGES = 10_000
NUMBER = 7_654  # of the message whose reply is spoilt
CONNECTIONS = 4
OFFSET = 9  # of the byte that is changed

NOBODYS_REQUEST = 0xfffffff0


class SpoilingServer(PlainServer):
    """Sends every message back, but the one of that number as `spoil` says: a function of its replies, as (id, payload), that
    returns what is sent instead. It is called with one reply, or where it wants `two` with that and the connection's next."""

    def __init__(self, protocol, spoil, two=False):
        super().__init__(self._serve)
        self._protocol, self._spoil, self._two = protocol, spoil, two

    def _serve(self, _, connection):
        self._protocol.greet(connection)
        rest, held = b"", []
        while data := connection.recv(65536):
            messages, rest = self._protocol.take(rest + data)
            replies = []
            for message in messages:
                is_it = int(re.match(rb"message (\d+) ", message[1])[1]) == NUMBER
                if is_it or held:
                    held.append(message)
                    if len(held) == (2 if self._two else 1):
                        replies += self._spoil(*held)
                        held = []
                else:
                    replies.append(message)
            connection.sendall(b"".join(self._protocol.reply(*reply) for reply in replies))


def changed(reply):
    request_id, payload = reply
    return [(request_id, payload[:OFFSET] + b"#" + payload[OFFSET + 1:])]


def shortened(reply):
    request_id, payload = reply
    return [(request_id, payload[:-1])]


def swapped(reply, next_reply):
    return [next_reply, reply]


def doubled(reply):
    return [reply, (NOBODYS_REQUEST, reply[1])]


class OneInTenThousand(BenchTest):
    def load(self, name, inflight):
        return ("-c", str(CONNECTIONS), "--inflight", str(inflight), "-n", str(MESSAGES), "--protocol", name,
                "-m", "message {n} {rand:20}")

    def each(self, inflight, spoil, check, two=False):
        """In each protocol: check(name, first_mismatch, mismatches)."""
        for name, protocol in PROTOCOLS.items():
            with self.subTest(name), SpoilingServer(protocol, spoil, two) as server:
                result = self.bench(*self.load(name, inflight), server.address)
                self.assertIn(result.code, (1, 98), result.err)  # 98: the test itself was short of processor
                report, counts = result.report, result.report["counts"]
                wrong = {kind: count for kind, count in counts["mismatches"].items() if count}
                # Behind a wrong reply nobody knows in plain text where the next begins; everywhere else all go on.
                unfinished = report["unfinished"]
                self.assertLess(unfinished, inflight if name == "text" else 1)
                lost = unfinished + sum(count for kind, count in wrong.items() if kind != "unasked")
                self.assert_counts(report, sent=MESSAGES, done=MESSAGES - lost, **wrong)
                check(name, report["first_mismatch"], wrong)

    def test_a_byte_is_changed(self):
        def check(_, first, wrong):
            self.assertEqual({"content": 1}, wrong)
            self.assertEqual(("content", NUMBER, OFFSET), (first["kind"], first["number"], first["offset"]))
            self.assertEqual((NUMBER - 1) % CONNECTIONS, first["connection"])
            self.assertEqual((NUMBER - 1) // CONNECTIONS + 1, first["of_connection"])
            expected, got = bytes.fromhex(first["expected_hex"]), bytes.fromhex(first["got_hex"])
            self.assertTrue(expected.startswith(b"message 7654 "), expected)
            self.assertEqual(expected[:OFFSET] + b"#" + expected[OFFSET + 1:], got[:len(expected)])
        self.each(16, changed, check)

    def test_the_text_shows_it_in_hexadecimal(self):
        with SpoilingServer(Text, changed) as server:
            result = self.bench(*self.load("text", 16), server.address)
        self.assertIn("reply 7,654 (number 1,914 of connection 1): wrong content, from byte 9 on\n", result.text)
        self.assertRegex(result.text, r"(?m)^.*6d 65 73 73 61 67 65 20 37 23 35 34 .*message 7#54 ")

    def test_a_byte_is_missing(self):
        def check(name, first, wrong):
            # In plain text it is the end of the line that comes too early.
            kind = "content" if name == "text" else "length"
            self.assertEqual({kind: 1}, wrong)
            self.assertEqual((kind, NUMBER), (first["kind"], first["number"]))
            self.assertEqual(len("message 7654 ") + 19, first["offset"])
        self.each(16, shortened, check)

    def test_two_are_swapped(self):
        def check(name, first, wrong):
            # Where replies have ids it is the one that came too early; with len32 the other is wrong as well.
            number = NUMBER + CONNECTIONS if name == "framed" else NUMBER
            self.assertEqual(("order", number), (first["kind"], first["number"]))
            self.assertEqual({"order": 1, "content": 1} if name == "len32" else {"order": 1}, wrong)
        self.each(16, swapped, check, two=True)

    def test_one_comes_twice(self):
        def check(_, first, wrong):
            # It is told by the message that would have been next.
            self.assertEqual({"unasked": 1}, wrong)
            self.assertEqual(("unasked", NUMBER + CONNECTIONS), (first["kind"], first["number"]))
            self.assertTrue(bytes.fromhex(first["got_hex"]).startswith(b"message 7654 "))
        self.each(1, doubled, check)


if __name__ == "__main__":
    main()
