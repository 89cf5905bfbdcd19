"""Whose fault it was: a server that is slow, fails, stops or goes away is told of as that, and is no fault of the test."""
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

from support.bench import BenchTest
from support.client import PlainServer
from support.line_server import LineServer
from support.runner import main
from support.waiting import DEADLINE, wait_for

# An echo as a process of its own, to be stopped and killed.
ECHO = """
import asyncio, sys
async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
async def run():
    server = await asyncio.start_server(echo, "127.0.0.1", int(sys.argv[1]))
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(run())
"""


class Echo:
    def __init__(self, port=0):
        self.process = subprocess.Popen([sys.executable, "-c", ECHO, str(port)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def end(self):
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


def lines(connection):
    with connection.makefile("rb") as file:
        yield from file


def answer_the_first(_, connection):
    """And end behind the second, which has no reply."""
    for count, line in enumerate(lines(connection)):
        if count == 1:
            break
        connection.sendall(line)
    connection.close()


class BlameTest(BenchTest):
    def sums_up(self, report):
        ledger = report["ledger"]
        fates = sum(ledger[name] for name in ("done", "wrong", "failed", "timed_out", "unfinished"))
        self.assertEqual(ledger["due"], fates + sum(ledger["never_sent"].values()), ledger)
        return ledger

    def assert_not_the_test(self, result):
        self.assertNotEqual("INVALID", result.report["verdict"]["belief"], result.text)
        self.assertNotEqual(98, result.code)


class ThatIsSlow(BlameTest):
    def test_one_in_twenty_is_never_answered(self):
        """So p99 is at least the time-out, whatever else came quickly."""
        dice = random.Random(3)

        def serve(_, connection):
            for line in lines(connection):
                if dice.random() >= 0.05:
                    connection.sendall(line)
        with PlainServer(serve) as server:
            result = self.bench("-c", "10", "-d", "3s", "--timeout", "200ms", "--threshold", "p99<100ms", server.address)
        ledger = self.sums_up(result.report)
        self.assertGreater(ledger["timed_out"], 20)
        self.assertGreaterEqual(result.report["metrics"]["p99"], 199_000)
        self.assertEqual(99, result.code, result.text)

    def test_replies_after_the_end_are_in_no_rate(self):
        connections, seconds = 20, 0.8

        def serve(_, connection):
            for line in lines(connection):
                time.sleep(seconds)  # how long this server works
                connection.sendall(line)
        with PlainServer(serve) as server:
            report = self.report("-c", str(connections), "-d", "1s", server.address)
        self.sums_up(report)
        self.assertEqual(2 * connections, report["counts"]["done"])
        self.assertEqual(connections, report["done_in_time"])
        self.assertGreaterEqual(connections, report["metrics"]["rate"] * seconds)  # Little's law

    def test_an_orderly_end_after_ten_replies_is_no_wait(self):
        def serve(_, connection):
            for count, line in enumerate(lines(connection), 1):
                connection.sendall(line)
                if count == 10:
                    break
            connection.close()
        with PlainServer(serve) as server:
            result = self.bench("-c", "4", "-r", "200", "-d", "2s", server.address)
        ledger = self.sums_up(result.report)
        # A busy machine may hold up the end until the next message has been sent.
        self.assertGreaterEqual(ledger["done"], 0.95 * ledger["due"], result.text)
        self.assertGreater(result.report["connections_lost"], 30)
        self.assertLess(result.report["metrics"]["p75"], 40_000, "the pause after a failure, of 50 ms at least")

    def test_its_own_work_on_long_messages_is_not_the_servers(self):
        def serve(_, connection):
            while data := connection.recv(1 << 20):
                connection.sendall(data)
        with PlainServer(serve) as server:
            load = ("-c", "1", "-r", "3", "-d", "2s", "--boundary", "none")
            made = self.report(*load, "-m", "{rand:1000000}", server.address)
            table = self.report(*load, "-s", "1000000", server.address)
        self.assertEqual(6, made["counts"]["done"])
        least, least_of_table = (report["latency"]["intended"]["min"] for report in (made, table))
        # Under TSan to take a megabyte that was made costs more than one of the table.
        allowed = 250_000 if os.environ.get("FAIRLEAD_SANITIZE") == "thread" else 50_000
        self.assertLess(least, allowed + 3 * least_of_table)

    def test_its_own_work_on_what_came_together_is_told(self):
        with LineServer() as server:
            result = self.bench("-c", "20", "-n", "2000", server.address)
        work = result.report["generator"]["own_work"]
        self.assertGreaterEqual(work["count"], 2000, "one for each reply")
        self.assertGreaterEqual(result.report["latency"]["actual"]["max"] * 10, work["quantiles"]["p50"])
        self.assertRegex(result.text, r"own CPU .* of a core; up to \S+ u?m?s of a latency is that")


class ThatFails(BlameTest):
    def during(self, what, *words):
        """The result of a test of which `what(echo)` has come in the middle."""
        echo = Echo()
        self.addCleanup(echo.end)
        path = self.folder / "report"
        bench = self.begin("--no-tui", "-c", "10", "-r", "500", "-d", "4s", "--json", str(path), *words,
                           f"127.0.0.1:{echo.port}")
        self.assertIn("1 s", bench.stderr.readline())
        self.assertIn("2 s", bench.stderr.readline())
        what(echo)
        bench.text, bench.err = bench.communicate(timeout=DEADLINE)
        bench.code, bench.report = bench.returncode, json.loads(path.read_bytes())
        self.assert_not_the_test(bench)
        return bench

    def test_frozen_for_good(self):
        result = self.during(lambda echo: os.kill(echo.process.pid, signal.SIGSTOP))
        ledger = self.sums_up(result.report)
        self.assertEqual(1, result.code)
        self.assertRegex(result.text, r"the server stopped answering 2\.\d+ s after the load began: 10 messages have no reply")
        self.assertGreater(ledger["never_sent"]["reply"], 500)
        self.assertEqual(0, ledger["never_sent"]["test"])
        self.assertGreaterEqual(result.report["metrics"]["max"], 1_500_000)
        self.assertEqual(99, self.during(lambda echo: os.kill(echo.process.pid, signal.SIGSTOP), "--threshold", "rate>400").code)

    def test_killed_for_good(self):
        result = self.during(lambda echo: echo.end(), "--threshold", "errors<50%")
        never_sent = self.sums_up(result.report)["never_sent"]
        self.assertEqual(1, result.code, result.text)
        self.assertGreater(never_sent["connection"] + never_sent["back_off"], 500)
        self.assertEqual((0, 0), (never_sent["reply"], never_sent["test"]))
        self.assertIn("had no connection", result.text.replace("\n", " "))

    def test_away_for_a_second(self):
        """Every message is answered in the end: but for those that were on their way nothing has failed, however often it was
        tried to connect."""
        def away(echo):
            echo.end()
            timer = threading.Timer(1, lambda: self.addCleanup(Echo(echo.port).end))
            timer.start()
            self.addCleanup(timer.join)
        result = self.during(away)
        ledger = self.sums_up(result.report)
        self.assertLessEqual(ledger["failed"], 10)
        self.assertEqual(ledger["due"], ledger["done"] + ledger["failed"])
        self.assertLess(result.report["metrics"]["errors"], 0.01)
        self.assertGreater(sum(result.report["counts"]["connect_errors"].values()), 10)

    def test_half_of_it(self):
        for words, code in (((), 1), (("--threshold", "errors<60%"), 0), (("--threshold", "errors<40%"), 99)):
            with self.subTest(words), PlainServer(answer_the_first) as server:
                result = self.bench("-c", "4", "-n", "400", *words, server.address)
                ledger = self.sums_up(result.report)
                self.assertEqual((200, 200), (ledger["done"], ledger["failed"]), result.text)
                self.assertEqual(code, result.code, result.text)
                self.assert_not_the_test(result)
                self.assertIn("200 of 400 (50.0 %) operations failed", result.text)


class ARate(BlameTest):
    def test_of_n_messages_is_of_n_intervals(self):
        for words in (("-r", "10", "-n", "10"), ("-r", "20", "-d", "1s"), ("-r", "3", "-d", "500ms"), ("-r", "5", "-n", "2"),
                      ("-r", "0.5", "-n", "1"), ("-r", "2.5", "-d", "1s")):
            with self.subTest(words), LineServer() as server:
                result = self.bench("-c", "2", *words, server.address)
                self.assertRegex(result.text, rf"open loop: {words[1]}0? messages a second were due")
                self.assertAlmostEqual(float(words[1]), result.report["metrics"]["rate"], delta=0.05)
                self.assertAlmostEqual(float(words[1]), result.report["intended_rate"], delta=0.05)


class AnEnd(BlameTest):
    def test_as_soon_as_a_rule_holds(self):
        with PlainServer(answer_the_first) as server:
            result = self.bench("-c", "2", "-r", "50", "-d", "10m", "--abort-on", "errors>5%", server.address)
        self.assertEqual(99, result.code, result.err)
        self.assertIn("ended by --abort-on errors>5%, after ", result.text)
        self.assertLess(result.report["measured_seconds"], 60)
        self.assertFalse(result.report["interrupted"])
        self.assertEqual("abort-on errors>5%", result.report["thresholds"][-1]["text"])
        self.sums_up(result.report)

    def test_of_a_rule_that_does_not_hold(self):
        with LineServer() as server:
            result = self.bench("-c", "2", "-r", "50", "-d", "2s", "--abort-on", "errors>5%", "--abort-on", "rate<1", server.address)
        self.assertEqual((0, []), (result.code, result.report["thresholds"]), result.text)

    def test_a_rule_that_only_the_end_knows(self):
        for rule in ("actual_p99>1s", "cpu>1ms"):
            self.assertEqual(2, self.bench("--abort-on", rule, "h").code)

    def test_until_ctrl_c(self):
        with LineServer() as server:
            bench = self.begin("-q", "-c", "2", "-r", "100", "-d", "0", "--json", str(self.folder / "report"), server.address)
            wait_for(lambda: len(server.lines) >= 30, "thirty messages")
            bench.send_signal(signal.SIGINT)
            out, _ = bench.communicate(timeout=DEADLINE)
        report = json.loads((self.folder / "report").read_bytes())
        self.assertEqual((0, False), (bench.returncode, report["interrupted"]), out)
        self.sums_up(report)


class AHangUp(BlameTest):
    def hang_up(self, **options):
        with LineServer() as server:
            bench = self.begin("-q", "-c", "2", "-r", "100", "-d", "2s", "--json", str(self.folder / "report"), server.address,
                               **options)
            wait_for(lambda: len(server.lines) >= 30, "thirty messages")
            bench.send_signal(signal.SIGHUP)
            bench.communicate(timeout=DEADLINE)
        return bench.returncode, json.loads((self.folder / "report").read_bytes())

    def test_leaves_a_report(self):
        code, report = self.hang_up()
        self.assertEqual((130, True), (code, report["interrupted"]))

    def test_is_nothing_under_nohup(self):
        code, report = self.hang_up(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.assertEqual((0, False), (code, report["interrupted"]))
        self.assertEqual(200, report["counts"]["done"])


if __name__ == "__main__":
    main()
