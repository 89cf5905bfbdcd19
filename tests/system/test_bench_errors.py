"""Whatever goes wrong with a connection, fairlead bench counts every operation that it hits as what it is, and goes on."""
import resource
import struct

from support.bench import GENTLE, BenchTest
from support.client import PlainServer, deaf_port, hold, reset, unused_port
from support.echoing import PROTOCOLS
from support.peers import CLOSE, DRAINING, ERROR, GOAWAY, UNKNOWN_SERVICE, frame
from support.runner import main
from support.waiting import DEADLINE


def every_third(act, protocol="text"):
    """Sends every message back, but for each connection's third, sixth ... does act(connection, id, payload)."""
    def serve(_, connection):
        spoken = PROTOCOLS[protocol]
        spoken.greet(connection)
        rest, count = b"", 0
        while connection.fileno() >= 0 and (data := connection.recv(65536)):
            messages, rest = spoken.take(rest + data)
            for message in messages:
                count += 1
                if count % 3:
                    connection.sendall(spoken.reply(*message))
                else:
                    act(connection, *message)
    return PlainServer(serve)


def say(data, then):
    def act(connection, *_):
        connection.sendall(data)
        then(connection)
    return act


def close(connection, *_):
    connection.close()


def stay(*_):
    """Says no more, and is there."""


def about_the_connection(kind, payload):
    return frame(kind, payload, 0, 0)


class OfTwelveMessages(BenchTest):
    """Two connections send six each, and the third and the sixth meet with trouble."""

    def check(self, act, *words, protocol="text", lost=4, connects=4, **wanted):
        with every_third(act, protocol) as server:
            report = self.report("-c", "2", "-n", "12", "--protocol", protocol, *words, server.address)
        self.assert_counts(report, sent=12, done=8, **wanted)
        self.assertEqual((0, 0), (report["unfinished"], report["unsent"]))
        self.assertEqual(lost, report["connections_lost"])
        # One that is lost is made again at once, or is about to be when the run ends.
        self.assertLessEqual(connects, report["counts"]["connects"])

    def test_reset(self):
        self.check(lambda connection, *_: reset(connection), reset=4)

    def test_closed(self):
        self.check(close, closed=4)

    def test_short_read(self):
        self.check(lambda connection, _, payload: say(payload[:10], close)(connection), short_read=4)

    def test_short_read_within_a_length(self):
        self.check(say(b"\0\0", close), protocol="len32", short_read=4)

    def test_reply_timeout(self):
        self.check(stay, "--timeout", "100ms", lost=0, reply_timeout=4)

    def test_protocol(self):
        self.check(say(b"\xff\xff\xff\xff", hold), protocol="len32", lost=4, protocol_=4)

    def test_turned_away(self):
        for name, frames in (("GOAWAY", about_the_connection(GOAWAY, struct.pack(">II", 0, DRAINING) + b"bye")),
                             ("ERROR", about_the_connection(ERROR, struct.pack(">I", DRAINING) + b"bye"))):
            with self.subTest(name):
                self.check(say(frames, close), protocol="framed", turned_away=4)

    def test_turned_away_from_the_channel(self):
        def act(connection, *_):
            connection.sendall(frame(CLOSE, struct.pack(">I", DRAINING) + b"bye", 1, 0))
        self.check(act, protocol="framed", lost=0, turned_away=4)

    def test_request_refused(self):
        def act(connection, request_id, _):
            connection.sendall(frame(ERROR, struct.pack(">I", UNKNOWN_SERVICE) + b"no", 0, request_id))
        self.check(act, protocol="framed", lost=0, connects=2, request_refused=4)

    def assert_counts(self, report, **wanted):
        # The keyword `protocol` is the command line's.
        wanted = {name.rstrip("_"): count for name, count in wanted.items()}
        super().assert_counts(report, **wanted)


class AllThatWait(BenchTest):
    """An end hits every message that waits for its reply."""

    def check(self, serve, **wanted):
        with PlainServer(serve) as server:
            report = self.report("-c", "1", "--inflight", "3", "-n", "3", server.address)
        self.assert_counts(report, sent=3, done=0, **wanted)

    @staticmethod
    def receive_three(connection):
        received = b""
        while received.count(b"\n") < 3:
            received += connection.recv(65536)
        return received

    def test_reset(self):
        def serve(_, connection):
            self.receive_three(connection)
            reset(connection)
        self.check(serve, reset=3)

    def test_short_read_is_the_one_whose_reply_had_begun(self):
        def serve(_, connection):
            connection.sendall(self.receive_three(connection)[:20])
            connection.close()
        self.check(serve, short_read=1, closed=2)


class NotConnected(BenchTest):
    def test_refused_once_nobody_listens(self):
        """Four are answered; at the fifth the server is gone, and each of the other five is refused."""
        def serve(server, connection):
            for _ in range(4):
                connection.sendall(connection.recv(65536))
            connection.recv(65536)
            server.stop_listening()
            connection.close()
        with PlainServer(serve) as server:
            report = self.report("-c", "1", "-n", "10", server.address)
        self.assert_counts(report, done=4, closed=1, refused=5)

    def test_nobody_listens_at_all(self):
        result = self.bench(*GENTLE, "-c", "2", "-n", "6", f"127.0.0.1:{unused_port()}")
        self.assertEqual(7, result.code, result.err)
        self.assertIn("cannot connect", result.err)

    def test_connect_timeout(self):
        with deaf_port() as port:
            result = self.bench("-c", "1", "-n", "3", "--mode", "conn", "--connect-timeout", "100ms", f"127.0.0.1:{port}")
        self.assertEqual(28, result.code, result.err)
        self.assert_counts(result.report, done=0, connect_timeout=3)

    def test_no_descriptor(self):
        """The limit is lowered under it for a while, which is its own fault: so much so that nothing it says counts. Not in its
        first second or its last: UBSan needs a pipe(2) to look at what it has not met yet."""
        with PlainServer(echo_and_count) as server:
            bench = self.begin("-c", "1", "-r", "50", "-d", "4s", "--reconnect-every", "1", "--json", "-", server.address)
            bench.stderr.readline()
            limits = resource.prlimit(bench.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(bench.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
            self.assertIn("not connected", bench.stderr.readline())
            resource.prlimit(bench.pid, resource.RLIMIT_NOFILE, limits)
            out, err = bench.communicate(timeout=DEADLINE)
        self.assertEqual(98, bench.returncode, err)
        self.assertRegex(out, r'"no_descriptor":[1-9]')
        self.assertIn("no descriptor left", err + out)


def echo_and_count(server, connection):
    while data := connection.recv(65536):
        server.received.append(data)
        connection.sendall(data)


if __name__ == "__main__":
    main()
