"""A server that answers before it has taken everything, and closes: the kernel resets, and a write of the client fails. The answer has
come by then, and says why."""
import socket

from support.bench import BenchTest
from support.client import PlainServer, fairlead
from support.runner import main

LARGE = b"x" * 15_000_000
ANSWER = b"too big\n"


def answer_early(_, connection):
    """Leaves what has come unread, so that close(2) resets."""
    connection.recv(1000)
    connection.sendall(ANSWER)
    connection.close()


class EarlyAnswer(BenchTest):
    def server(self):
        return self.enterContext(PlainServer(answer_early))

    def test_send_prints_it_and_says_that_not_all_was_sent(self):
        for words in ([], ["--boundary", "none"], ["-n", "2"]):
            with self.subTest(words):
                result = fairlead("send", *words, self.server().address, "-", stdin=LARGE)
                self.assertEqual((55, ANSWER), (result.code, result.out), result.err)
                self.assertEqual(1, len(result.err.splitlines()), result.err)

    def test_send_without_a_reply_fails(self):
        result = fairlead("send", "--no-reply", self.server().address, "-", stdin=LARGE)
        self.assertEqual((55, b""), (result.code, result.out), result.err)

    def test_term_shows_it(self):
        lines = b"".join(b"%07d\n" % number for number in range(2_000_000))
        result = fairlead("term", "--plain", self.server().address, stdin=lines)
        self.assertEqual(ANSWER, result.out, result.err)
        self.assertIn(result.code, (55, 56), result.err)

    def test_an_answer_larger_than_one_read_is_printed_whole(self):
        answer = b"".join(b"%06d;" % number for number in range(7_000)) + b"\n"  # within a window

        def serve(_, connection):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_000_000)
            connection.recv(1000)
            connection.sendall(answer)
            connection.close()
        with PlainServer(serve) as server:
            result = fairlead("send", server.address, "-", stdin=LARGE)
        self.assertEqual((55, answer), (result.code, result.out), result.err)

    def test_a_load_test_counts_it_as_an_answer(self):
        """A wrong one, and not a connection that broke."""
        with PlainServer(answer_early) as server:
            report = self.report("-c", "1", "-n", "1", "-s", "15000000", "--expect", "PONG", server.address)
        self.assertEqual({"content": 1}, {name: count for name, count in report["counts"]["mismatches"].items() if count})


if __name__ == "__main__":
    main()
