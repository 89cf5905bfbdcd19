"""The load that fairlead bench was asked for is the load that a server sees: when, from where, and how much."""
import collections
import ipaddress

from support.bench import GENTLE, BenchTest
from support.client import PlainServer
from support.line_server import LineServer
from support.runner import main

# How much later than it was due the server may have noticed something, in seconds: the machine runs other things, too. And how
# much earlier, because the first one, from which all is counted, was noticed late itself.
LATE, EARLY = 0.5, 0.2


class TheServerSees(BenchTest):
    def load(self, *words):
        """The server that was loaded, and the report."""
        with LineServer() as server:
            report = self.report(*words, server.address)
        counts = report["counts"]
        self.assert_counts(report, done=counts["sent"])
        return server, report

    def assert_about(self, wanted, found):
        self.assertLess(wanted - EARLY, found)
        self.assertLess(found, wanted + LATE)

    # ---- How much, and when

    def test_as_many_messages_as_were_asked_for(self):
        for words in ((), ("--inflight", "5"), ("-r", "500")):
            with self.subTest(words):
                server, report = self.load("-c", "3", "-n", "100", *words)
                self.assertEqual((100, 100), (len(server.lines), report["counts"]["done"]))
                self.assertEqual([33, 33, 34], sorted(server.lines_of_connections().values()))

    def test_a_rate_is_kept(self):
        server, report = self.load("-c", "4", "-r", "100", "-d", "1s")
        self.assertEqual(100, len(server.lines))
        self.assertEqual(("open", 100), (report["loop"], report["intended_rate"]))
        for number, at in enumerate(server.arrivals()):
            self.assert_about(number / 100, at)

    def test_stages(self):
        server, _ = self.load("-c", "4", "--stage", "500ms@100,500ms@400")
        self.assertEqual(50 + 200, len(server.lines))
        arrivals = server.arrivals()
        self.assert_about(0.5, arrivals[50])
        self.assert_about(0.75, arrivals[150])

    def test_a_ramp_of_the_rate(self):
        """Evenly from 0 to 200 a second: of the 100 in a second a quarter comes in the first half."""
        server, _ = self.load("-c", "4", "-r", "200", "--ramp", "1s", "-d", "1s")
        self.assertEqual(100, len(server.lines))
        self.assert_about(0.5, server.arrivals()[25])

    def test_a_ramp_of_the_connections(self):
        server, _ = self.load("-c", "5", "--ramp", "500ms", "-d", "700ms")
        self.check_that_they_come_apart(server, 0.1, 5)

    def test_a_rate_of_connections(self):
        server, _ = self.load("-c", "10", "--connect-rate", "20", "-n", "10")
        self.check_that_they_come_apart(server, 0.05, 10)

    def check_that_they_come_apart(self, server, seconds, count):
        times = [visit.time for visit in server.visits]
        self.assertEqual(count, len(times))
        for number, at in enumerate(times):
            self.assert_about(number * seconds, at - times[0])

    def test_a_warm_up_is_sent_and_not_counted(self):
        server, report = self.load("-c", "2", "-r", "100", "-d", "1s", "--warmup", "400ms")
        self.assertEqual((100, 60), (len(server.lines), report["counts"]["done"]))
        self.assertAlmostEqual(0.6, report["measured_seconds"], 3)

    def test_messages_in_flight(self):
        """Nothing is answered until as many have come as may be on their way."""
        def serve(server, connection):
            held = b""
            while data := connection.recv(65536):
                held += data
                server.received.append(held.count(b"\n"))
                if server.received[-1] == 7:
                    connection.sendall(held)
                    held = b""
        with PlainServer(serve) as server:
            report = self.report("-c", "1", "--inflight", "7", "-n", "7", server.address)
        self.assertEqual(7, max(server.received))
        self.assert_counts(report, sent=7, done=7)

    def test_threads_share_it(self):
        server, report = self.load("-t", "3", "-c", "7", "-n", "100")
        self.assertEqual((100, 7), (len(server.lines), len(server.visits)))
        self.assertEqual(3, len(report["generator"]["threads"]))

    # ---- From where

    def test_sources_are_spread_over_a_network(self):
        server, _ = self.load("-c", "60", "--source", "127.0.0.0/24", *GENTLE, "-n", "60")
        addresses = {visit.peer[0] for visit in server.visits}
        self.assertEqual(60, len(addresses))
        network = ipaddress.ip_network("127.0.0.0/24")
        self.assertTrue(all(ipaddress.ip_address(address) in network for address in addresses), addresses)

    def test_more_connections_than_sources_take_turns(self):
        server, _ = self.load("-c", "15", "--source", "127.0.3.4/30", *GENTLE, "-n", "15")
        by_address = collections.Counter(visit.peer[0] for visit in server.visits)
        self.assertLessEqual(set(by_address), {f"127.0.3.{last}" for last in (4, 5, 6, 7)})
        self.assertLessEqual(max(by_address.values()) - min(by_address.values()), 1)

    def test_one_source(self):
        server, _ = self.load("-c", "3", "--source", "127.0.9.9", "-n", "3")
        self.assertEqual({"127.0.9.9"}, {visit.peer[0] for visit in server.visits})

    # ---- Over which connections

    def test_connections_are_replaced(self):
        server, report = self.load("-c", "2", "-n", "40", "--reconnect-every", "5")
        self.assertEqual([5] * 8, list(server.lines_of_connections().values()))
        self.assertEqual(0, report["connections_lost"])

    def test_connections_are_replaced_by_a_schedule_too(self):
        server, _ = self.load("-c", "2", *GENTLE, "-n", "40", "--reconnect-every", "1")
        self.assertEqual([1] * 40, list(server.lines_of_connections().values()))

    # ---- Always the same

    def test_a_seed_says_what_is_sent(self):
        first, again, another = (sorted(self.load("-c", "2", "-n", "50", "-m", "{rand:12}", "--seed", seed)[0].texts())
                                 for seed in ("7", "7", "8"))
        self.assertEqual(first, again)
        self.assertNotEqual(first, another)


if __name__ == "__main__":
    main()
