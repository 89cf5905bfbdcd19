"""How fairlead bench ends: every exit status, and that what ran before Ctrl-C is told."""
import json
import resource
import signal
import subprocess

from support.bench import GENTLE, BenchTest
from support.client import ENVIRONMENT, PlainServer, fairlead, hold, unused_port
from support.daemon import binary
from support.line_server import LineServer
from support.runner import main
from support.waiting import DEADLINE, wait_for


class CtrlC(BenchTest):
    LONG = ("-r", "100", "-d", "10m")

    def interrupt(self, number):
        with LineServer() as server:
            bench = self.begin("-q", "-c", "2", *self.LONG, "--json", str(self.folder / "report"), server.address)
            wait_for(lambda: len(server.lines) >= 30, "thirty messages")
            bench.send_signal(number)
            out, err = bench.communicate(timeout=DEADLINE)
            return bench.returncode, out, err, len(server.lines)

    def test_the_report_of_what_ran(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                code, out, err, lines = self.interrupt(number)
                self.assertEqual((130, ""), (code, err))
                self.assertRegex(out, r"^[A-Z]+, open loop: \d+ messages a second were due over 2 connections, "
                                      r"for .*, then interrupted\n")
                report = json.loads((self.folder / "report").read_bytes())
                self.assertTrue(report["interrupted"])
                self.assert_counts(report, sent=lines, done=lines)

    def test_the_second_ends_it_at_once(self):
        """The first waits for replies that are owed, here for ever."""
        with PlainServer(lambda _, connection: hold(connection)) as server:
            bench = self.begin("--no-tui", "-c", "1", "-d", "10m", "--timeout", "10m", server.address)
            self.assertIn("0/s", bench.stderr.readline())
            bench.send_signal(signal.SIGINT)
            bench.send_signal(signal.SIGINT)
            out, _ = bench.communicate(timeout=DEADLINE)
        self.assertEqual(130, bench.returncode)
        self.assertIn("1 begun: 0 done, 1 unfinished", out)

    def test_while_nobody_answers_a_handshake(self):
        def serve(server, connection):
            server.received.append(connection.recv(65536))
            hold(connection)
        with PlainServer(serve) as server:
            bench = self.begin("--protocol", "framed", "-q", "-c", "1", "--connect-timeout", "10m", server.address)
            wait_for(lambda: server.received, "the connection")  # its handshake is not answered
            bench.send_signal(signal.SIGINT)
            out, _ = bench.communicate(timeout=DEADLINE)
        self.assertEqual(130, bench.returncode, out)


class Thresholds(BenchTest):
    def judge(self, *thresholds):
        words = [word for threshold in thresholds for word in ("--threshold", threshold)]
        with LineServer() as server:
            return self.bench(*GENTLE, "-c", "2", "-n", "200", *words, server.address)

    def test_met(self):
        result = self.judge("p50<5s", "errors==0", "errors<0.1%", "mismatch==0", "rate>50")
        self.assertEqual(0, result.code, result.err + result.text)
        self.assertEqual([True] * 5, [threshold["met"] for threshold in result.report["thresholds"]])
        self.assertEqual(5, result.text.count("\n  met "))

    def test_missed(self):
        result = self.judge("p50<5s", "rate>50k", "max<=1us")
        self.assertEqual(99, result.code, result.err + result.text)
        self.assertEqual([True, False, False], [threshold["met"] for threshold in result.report["thresholds"]])
        self.assertEqual(2, result.text.count("\n  MISSED "))

    def test_what_was_not_measured_is_missed(self):
        for threshold in ("cpu<1s", "p99.99<5s"):
            with self.subTest(threshold):
                self.assertEqual(99, self.judge(threshold).code)

    def test_a_wrong_reply_that_a_threshold_allows(self):
        def serve(server, connection):
            while data := connection.recv(65536):
                server.received.append(data)
                connection.sendall(b"what?\n" if len(server.received) == 5 else data)
        for words, code in (((), 1), (("--threshold", "mismatch<2"), 0), (("--threshold", "mismatch==0"), 99)):
            with self.subTest(words), PlainServer(serve) as server:
                result = self.bench(*GENTLE, "-c", "1", "-n", "20", *words, server.address)
                self.assertEqual(code, result.code, result.err + result.text)
                self.assert_counts(result.report, sent=20, done=19, content=1)


class NotRun(BenchTest):
    def refuse(self, code, *words):
        result = self.bench(*words)
        self.assertEqual(code, result.code, result.err)
        self.assertEqual(("", 1), (result.text, len(result.err.splitlines())), result.err)
        self.assertTrue(result.err.startswith("fairlead: "), result.err)
        self.assertIsNone(result.report)
        return result.err

    def test_usage(self):
        for words in ((), ("a", "b"), ("--nonsense", "h"), ("-c", "0", "h"), ("-r", "0", "h"), ("-t", "2", "-c", "1", "h"),
                      ("--threshold", "p99", "h"), ("--threshold", "speed<3", "h"), ("--expect", "re:(", "h"),
                      ("-m", "{what}", "h"),
                      ("-s", "9-3", "h"), ("-s", "4", "-m", "x", "h"), ("--mode", "what", "h"),
                      ("--mode", "greet", "--expect", "echo", "h"),
                      ("-f", str(self.folder / "missing"), "h"), ("--source", "here", "h"), ("--stage", "10s", "h"),
                      ("--stage", "1s@5", "-r", "5", "h"), ("--warmup", "20s", "-d", "10s", "h"), ("--mode", "file", "h"),
                      ("--idle", "-r", "5", "h"), ("--protocol", "http", "h"), ("--json", "-", "--csv", "-", "h")):
            with self.subTest(words):
                self.refuse(2, *words)

    def test_no_such_name(self):
        self.assertIn("no-such-host.invalid", self.refuse(6, "no-such-host.invalid"))

    def test_nobody_listens(self):
        result = self.bench("-c", "1", "-d", "300ms", f"127.0.0.1:{unused_port()}")
        self.assertEqual(7, result.code, result.err)
        self.assertIn("cannot connect", result.err)

    def test_a_report_that_cannot_be_written(self):
        with LineServer() as server:
            result = self.bench(*GENTLE, "-c", "1", "-n", "3", "--csv", str(self.folder / "missing" / "x"), server.address)
            self.assertEqual(0, len(server.visits), "the load has begun")
        self.assertEqual(23, result.code, result.err)
        self.assertIsNone(result.report)

    def test_two_reports_that_are_one_file(self):
        self.assertIn("a file of its own", self.refuse(2, "--csv", "x", "--html", "x", "h"))

    def test_a_table_of_a_comparison_that_cannot_be_written(self):
        with LineServer() as server:
            result = fairlead("bench", "compare", "--rounds", "2", "-d", "200ms", "--markdown", str(self.folder / "missing" / "x"), server.address, server.address)
            self.assertEqual(0, len(server.visits), "the load has begun")
        self.assertEqual(23, result.code, result.err)


class Descriptors(BenchTest):
    """Whether there are enough is said beforehand, in numbers."""

    def with_limit(self, limit, *words):
        def lower():
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        return subprocess.run([binary("fairlead"), "bench", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE, env=ENVIRONMENT, preexec_fn=lower)

    def test_checked(self):
        address = f"127.0.0.1:{unused_port()}"  # nobody is asked
        few = self.with_limit(100, "--check", "-c", "1000", address)
        self.assertEqual(2, few.returncode, few.stderr)
        self.assertIn("descriptors: needs 1,040, has 100: ulimit -n 1040\n", few.stdout)
        enough = self.with_limit(1040, "--check", "-c", "1000", address)
        self.assertEqual(0, enough.returncode, enough.stderr)
        self.assertIn("descriptors: needs 1,040, has 1,040\n", enough.stdout)
        self.assertIn("ports of each source address: needs 1,000, has ", enough.stdout)

    def test_a_run_refuses_with_the_same_numbers(self):
        with LineServer() as server:
            few = self.with_limit(100, "-c", "1000", "-d", "1s", server.address)
            self.assertEqual(0, len(server.visits))
        self.assertEqual((2, ""), (few.returncode, few.stdout))
        self.assertIn("descriptors: needs 1,040, has 100: ulimit -n 1040", few.stderr)

    def test_what_it_says_to_be_enough_is_enough(self):
        with LineServer() as server:
            run = self.with_limit(100 + 40, "-q", *GENTLE, "-c", "100", "-n", "200", "--json", "-", server.address)
        self.assertEqual(0, run.returncode, run.stderr)
        self.assert_counts(json.loads(run.stdout), sent=200, done=200)


if __name__ == "__main__":
    main()
