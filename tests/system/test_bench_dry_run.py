"""fairlead bench --dry-run: the bytes of one exchange, both ways, and whether they are right."""
import re
import unittest

from support.client import PlainServer, fairlead, hold, unused_port
from support.daemon import Daemon
from support.peers import PREFACE
from support.runner import main

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
protocol = framed
service = echo
[service.echo]
type = echo
"""
DUMP = re.compile(r"([<>]) ([0-9a-f]{8})  ((?:[0-9a-f]{2} )+) *\|([ -~]*)\|")


def bytes_of(text, mark):
    """What the dumps of one direction say, as bytes."""
    rows = [found for found in map(DUMP.fullmatch, text.splitlines()) if found and found[1] == mark]
    come = b""
    for row in rows:
        assert int(row[2], 16) == len(come), row[0]
        come += bytes.fromhex(row[3])
    return come


def answering(reply):
    """A server that answers the first bytes of each connection with `reply`, and keeps what came."""
    def serve(server, connection):
        server.received.append(connection.recv(65536))
        connection.sendall(reply)
        hold(connection)
    return PlainServer(serve)


class DryRunTest(unittest.TestCase):
    def check(self, result, code, last_line):
        self.assertEqual(result.code, code, result.err)
        self.assertEqual(result.err, "")
        self.assertEqual(result.text.splitlines()[-1], last_line, result.text)

    def test_both_ways_in_order(self):
        with answering(b"+PONG\r\n") as server:
            result = fairlead("bench", "--dry-run", "-m", r"PING\r\n", "--expect", r"+PONG\r\n", server.address)
            self.check(result, 0, "the reply is as expected")
            self.assertEqual(server.received, [b"PING\r\n"])
            self.assertEqual(re.sub(r"[ \d]+\.\d{3} ms  ", "T ", result.text).splitlines()[:6],
                             [f"T connecting to {server.address}", "T connected", "T sent 6 bytes",
                              "> 00000000  50 49 4e 47 0d 0a                                |PING..|",
                              "T received 7 bytes",
                              "< 00000000  2b 50 4f 4e 47 0d 0a                             |+PONG..|"])
            times = [float(time) for time in re.findall(r"([\d.]+) ms ", result.text)]
            self.assertEqual(times, sorted(times))
            self.assertEqual(times[0], 0)

    def test_one_message_whatever_the_load(self):
        with answering(b"ok\n") as server:
            result = fairlead("bench", "--dry-run", "-c", "20", "-r", "1k", "-d", "1h", "--inflight", "9", "-m", "{id}",
                              "--expect", "ok", server.address)
            self.check(result, 0, "the reply is as expected")
            self.assertEqual(server.received, [b"1\n"])

    def test_a_wrong_reply(self):
        with answering(b"+P\x1bNG\r\n") as server:
            result = fairlead("bench", "--dry-run", "-m", r"PING\r\n", "--expect", r"+PONG\r\n", server.address)
            self.assertEqual(result.code, 1, result.err)
            self.assertTrue(result.text.endswith(
                "\nthe reply is not what was expected\n"
                "reply 1 (number 1 of connection 0): wrong content, from byte 2 on\n"
                "- 00000000  2b 50 4f 4e 47 0d 0a                             |+PONG..|\n"
                "+ 00000000  2b 50 1b 4e 47 0d 0a                             |+P.NG..|\n"
                "                  ^^\n"), result.text)

    def test_no_reply(self):
        with PlainServer(lambda _, connection: hold(connection)) as server:
            result = fairlead("bench", "--dry-run", "--timeout", "100ms", server.address)
            self.check(result, 28, "it failed: reply_timeout")
            self.assertEqual(len(bytes_of(result.text, ">")), 64)
            self.assertEqual(bytes_of(result.text, "<"), b"")

    def test_an_end_instead_of_a_reply(self):
        with PlainServer(lambda _, connection: connection.recv(65536) and connection.close()) as server:
            result = fairlead("bench", "--dry-run", server.address)
            self.check(result, 1, "it failed: closed")
            self.assertIn(" ms  the server has ended the connection\n", result.text)

    def test_nobody_listens(self):
        for mode in "reply", "conn":
            result = fairlead("bench", "--dry-run", "--mode", mode, f"127.0.0.1:{unused_port()}")
            self.check(result, 7, "it failed: refused")
            self.assertEqual(result.text.count(" ms  connecting to "), 1, result.text)
            self.assertEqual(result.text.count(" ms  not connected: Connection refused\n"), 1, result.text)

    def test_a_framed_server(self):
        with Daemon(CONFIG) as daemon:
            host, port = daemon.address()
            result = fairlead("bench", "--dry-run", "--protocol", "framed", "-m", "hello", f"{host}:{port}")
        self.check(result, 0, "the reply is as expected")
        for mark in "<", ">":
            said = bytes_of(result.text, mark)
            self.assertTrue(said.startswith(PREFACE), said)
            self.assertTrue(said.endswith(b"hello"), said)

    def test_of_long_ones_the_beginning(self):
        message = "0123456789abcdef" * 512
        def echo(_, connection):
            come = b""
            while len(come) < len(message):
                come += connection.recv(65536)
            connection.sendall(come)
            hold(connection)
        with PlainServer(echo) as server:
            result = fairlead("bench", "--dry-run", "--boundary", "none", "-m", message, server.address)
        self.check(result, 0, "the reply is as expected")
        for mark in "<", ">":
            self.assertEqual(bytes_of(result.text, mark), message[:4096].encode())
            self.assertIn(f"\n{mark} ... 4,096 bytes more\n", result.text)


if __name__ == "__main__":
    main()
