"""Where the replies of other people's servers end: at a length in their head, a pattern, a text, a silence; LF or CRLF."""
import socket
import time

from support.bench import GENTLE, BenchTest
from support.client import PlainServer, fairlead
from support.runner import main

GET = r"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def http(connection, bodies):
    """Keeps the connection alive; a body is bytes or a list of chunks."""
    rest = b""
    for body in bodies:
        while b"\r\n\r\n" not in rest:
            data = connection.recv(65536)
            if not data:
                return
            rest += data
        rest = rest.split(b"\r\n\r\n", 1)[1]
        if isinstance(body, bytes):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            connection.sendall(body)
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.sendall(b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in body) + b"0\r\n\r\n")


def bodies_of_all_kinds():
    while True:
        yield b"<p>one</p>\n<p>two</p>\n"
        yield b""
        yield b"x" * 100_000
        yield [b"a\r\n\r\n", b"b" * 30_000]


def answering(*parts, pause=0.0, first=()):
    """Sends these parts in answer to each line, `pause` seconds between two of them."""
    def send(connection, pieces):
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(pause)
            connection.sendall(piece)

    def serve(server, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        send(connection, first)
        with connection.makefile("rb") as lines:
            for line in lines:
                server.received.append(line)
                send(connection, parts)
    return PlainServer(serve)


class Replies(BenchTest):
    def check(self, server, *words, count=20, connections=2, pace=GENTLE):
        with server:
            result = self.bench("-c", str(connections), "-n", str(count), *pace, *words, server.address)
        self.assertEqual(0, result.code, result.err + result.text)
        self.assert_counts(result.report, done=count)
        return result.report

    def test_a_web_server_that_keeps_connections(self):
        report = self.check(PlainServer(lambda _, connection: http(connection, bodies_of_all_kinds())),
                            "-m", GET, "--expect", "re:^HTTP/1.1 200", "--expect-end", "http", count=40)
        self.assertEqual(2, report["counts"]["connects"])

    def test_a_web_server_that_fails(self):
        server = answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nsorry")
        with server:
            report = self.report("-c", "1", "-n", "2", "-m", "x", "--expect", "re:^HTTP/1.1 200", "--expect-end", "http",
                                 server.address)
        self.assert_counts(report, content=2)

    def test_the_dry_run_of_a_web_server(self):
        with PlainServer(lambda _, connection: http(connection, bodies_of_all_kinds())) as server:
            result = fairlead("bench", "--dry-run", "-m", GET, "--expect", "re:^HTTP/1.1 200", "--expect-end", "http",
                              server.address)
        self.assertEqual(0, result.code, result.err)

    def test_a_pattern_a_text_and_a_line(self):
        reply = (b"250-one\r\n250-t", b"wo\r\n250 three\r\n")
        self.check(answering(*reply), "-m", "EHLO x", "--expect", "re:^250-one", "--expect-end", r"re:(?m)^\d{3} .*\r\n")
        self.check(answering(b"+OK\r\nline\r\n", b".\r\n"), "-m", "LIST", "--expect", "re:^.OK", "--expect-end", r"\r\n.\r\n")
        self.check(answering(b"+OK\r\n"), "-m", "NOOP", "--expect", "len:3", "--expect-end", "line")

    def test_a_silence_is_no_part_of_the_latency(self):
        quiet = 0.4
        report = self.check(answering(b"no end", b" at all"), "-m", "x", "--expect", "re:^no end at all$",
                            "--expect-end", f"silence:{int(quiet * 1000)}ms", count=3, connections=1, pace=("-r", "1"))
        self.assertLess(report["latency"]["intended"]["max"] / 1e6, quiet)

    def test_a_closed_loop_sends_on_behind_a_silence(self):
        with answering(b"no end") as server:
            report = self.report("-c", "1", "-n", "3", "-m", "x", "--expect", "no end", "--expect-end", "silence:50ms",
                                 server.address)
        self.assert_counts(report, done=3)

    def test_a_greeting_in_two_parts(self):
        greeting = (b"220-hello\r\n", b"220 ready\r\n")
        self.check(answering(b"+OK\r\n", first=greeting, pause=0.05), "-m", "NOOP", "--expect", "+OK", "--skip-greeting")
        self.check(answering(b"250 well\r\n", first=greeting, pause=0.3), "-m", "NOOP", "--expect", "re:^250", "--skip-greeting",
                   "--expect-end", r"re:(?m)^\d{3} .*\r\n")

    def test_an_expected_line_ends_with_lf_or_crlf(self):
        for end in (b"\n", b"\r\n"):
            self.check(answering(b"PONG" + end), "-m", "PING", "--expect", "PONG")

    def test_a_line_that_is_cut_short(self):
        def serve(_, connection):
            connection.recv(100)
            connection.sendall(b"PO")
            connection.close()
        with PlainServer(serve) as server:
            report = self.report("-c", "1", "-n", "1", "--expect", "PONG", server.address)
        self.assert_counts(report, short_read=1)


if __name__ == "__main__":
    main()
