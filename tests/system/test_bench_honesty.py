"""What fairlead bench measures is what a server that keeps a record of its own times has measured."""
import math
import os
import random

from support.bench import BenchTest
from support.cores import CLIENT_CORE, SERVER_CORE, pinned
from support.runner import main
from support.timed_server import TimedServer

PERCENTILES = {"p50": 0.50, "p75": 0.75, "p90": 0.90, "p99": 0.99}
AGREE_SHARE = 0.05
SANITIZED = bool(os.environ.get("FAIRLEAD_SANITIZE"))
# A server that sends one reply in a hundred later than this after it was due has missed its schedule.
MISSED_US = 1000

# From 0.3 ms to 20 ms, as many in each octave, in an order that is no order: a prime number of them, so that no connection always
# meets the same ones.
DELAYS_US = [round(300 * (20_000 / 300) ** (place / 996)) for place in range(997)]
random.Random(7).shuffle(DELAYS_US)


def quantile(values, share):
    """The least value that this share of them does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


class Honesty(BenchTest):
    rounds = 4
    agree_us = 1000  # beside whatever else the machine does; alone, in the long form, 200

    def setUp(self):
        super().setUp()
        cores = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, cores)
        pinned(CLIENT_CORE)

    def agree(self, *load):
        """The percentiles, for as many rounds. Those in which the server missed its own schedule say nothing of the test, and are
        counted; so are those that the test itself does not call VALID, or that a sanitizer has slowed."""
        missed = doubted = 0
        differences = []
        for _ in range(self.rounds):
            with TimedServer(DELAYS_US, core=SERVER_CORE) as server:
                report = self.report(*load, server.address)
                records = server.records()
            self.assert_counts(report, sent=len(records), done=len(records))
            if quantile([record.sent - record.due for record in records], 0.99) > MISSED_US * 1000:
                missed += 1
            elif SANITIZED or report["verdict"]["belief"] != "VALID":
                doubted += 1
            else:
                differences.append(self.differences(report, [(record.sent - record.received) / 1000 for record in records]))
        print(f"of {self.rounds} rounds the server missed its schedule in {missed}, and the test doubted itself in {doubted}")
        if missed + doubted == self.rounds:
            return print("NOT JUDGED: in no round did both have the processor that they needed")
        # A machine that holds up one of the two in a way that neither sees does so in a round, not in most of them.
        wrong = [difference for difference in differences if difference]
        self.assertLessEqual(len(wrong), len(differences) // 2, wrong)

    def differences(self, report, times_us):
        """What does not agree."""
        found = []
        for since, latency in report["latency"].items():
            if since == "connect" or latency is None:
                continue
            # What the test was late, it says itself; the time since the intended moment has it on top.
            late = report["generator"]["lateness"]["quantiles"]["p99"] if since == "intended" else 0
            for name, share in PERCENTILES.items():
                theirs, ours = quantile(times_us, share), latency["quantiles"][name]
                agree = max(self.agree_us, AGREE_SHARE * theirs)
                said = f"{name} since the {since} time: {ours} us; by the server's record {theirs:.0f} us, late {late} us"
                if not theirs - agree < ours < theirs + agree + late:
                    found.append(said)
        return found

    def test_open_loop(self):
        self.agree("-c", "100", "-r", "1500", "-d", "1s")

    def test_closed_loop(self):
        self.agree("-c", "8", "-d", "1s")


class AStallOnceASecond(BenchTest):
    """A server that does nothing for 100 ms once a second. So few messages of a closed loop meet it that its p99 does not know; of
    an open loop a tenth is due meanwhile."""
    STALL_MS = 100

    def check(self, *load):
        with TimedServer(stall_ms=self.STALL_MS) as server:
            report = self.report("-c", "5", "-d", "2s", *load, server.address)
        latency = report["latency"]
        self.assertGreaterEqual(latency["actual"]["max"], 90_000)
        self.assertLess(latency["actual"]["quantiles"]["p99"], 50_000, "the trap: one wait of each connection, however long")
        return latency["intended"]

    def test_an_open_loop_shows_it_and_the_time_of_sending_beside_it_does_not(self):
        intended = self.check("-r", "2000")
        self.assertGreaterEqual(intended["quantiles"]["p99"], 80_000)

    def test_a_closed_loop_hides_it(self):
        self.assertIsNone(self.check())


if __name__ == "__main__":
    main()
