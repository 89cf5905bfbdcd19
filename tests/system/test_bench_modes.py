"""fairlead bench against fairleadd: each protocol and each mode, and what the daemon has counted of it."""
import json
import signal

from support.bench import GENTLE, BenchTest
from support.daemon import Daemon
from support.runner import main
from support.waiting import DEADLINE

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
services = reply, file
[listener.greeted]
bind = 127.0.0.1:0
protocol = text
service = greet
[listener.files]
bind = 127.0.0.1:0
protocol = text
service = file
[service.echo]
type = echo
boundary = line
[service.greet]
type = greet
greeting = "welcome 你好\\r\\n"
[service.reply]
type = reply
boundary = line
text = received
[service.file]
type = file
boundary = line
root = {root}
"""
CONTENT = bytes(range(256)) * 1200  # more than one frame of data


class AgainstFairleadd(BenchTest):
    def setUp(self):
        super().setUp()
        (self.folder / "root").mkdir()
        (self.folder / "root" / "file.bin").write_bytes(CONTENT)
        self.daemon = self.enterContext(Daemon(CONFIG.format(root=self.folder / "root")))

    def address(self, listener):
        return "127.0.0.1:%d" % self.daemon.address(listener)[1]

    def load(self, listener, *words, done, code=0):
        """The report of a gentle load, in which nothing goes wrong."""
        result = self.bench(*GENTLE, *words, self.address(listener))
        self.assertEqual(code, result.code, result.err + result.text)
        self.assert_counts(result.report, sent=done, done=done)
        return result.report

    def test_every_protocol_is_echoed(self):
        for protocol in ("text", "len32", "framed"):
            with self.subTest(protocol):
                before = self.daemon.counters().get("messages_in", 0)
                self.load("main", "-c", "4", "-n", "60", "--inflight", "3", "--protocol", protocol, "-s", "3-300", done=60)
                self.assertEqual(60, self.daemon.counters()["messages_in"] - before)

    def test_a_service_that_is_not_the_default(self):
        self.load("main", "-c", "2", "-n", "20", "--protocol", "framed", "--service", "reply", "--expect", "received", done=20)

    def test_a_service_that_is_not_there(self):
        report = self.report("-c", "1", "-n", "3", "--protocol", "framed", "--service", "nothing", self.address("main"))
        self.assertEqual((0, 0), (report["counts"]["sent"], report["counts"]["done"]))
        self.assertGreaterEqual(report["counts"]["errors"]["request_refused"], 3)

    def test_conn(self):
        self.load("main", "-c", "5", "-n", "40", "--mode", "conn", done=40)
        self.daemon.wait_for_counters(lambda now: (now["accepted"], now["open"]) == (40, 0), "forty connections to be over")
        self.assertEqual(0, self.daemon.counters().get("messages_in", 0))

    def test_conn_with_an_exchange(self):
        for protocol in ("text", "framed"):
            with self.subTest(protocol):
                before = self.daemon.counters()
                report = self.load("main", "-c", "5", "-n", "40", "--mode", "conn", "-m", "hello {n}", "--protocol", protocol,
                                   done=40)
                after = self.daemon.wait_for_counters(lambda now: now["open"] == 0, "all connections to be over")
                self.assertEqual(40, after["accepted"] - before["accepted"])
                self.assertEqual(40, after["messages_in"] - before.get("messages_in", 0))
                self.assertEqual(40, report["counts"]["connects"])
                self.assertEqual(40, report["latency"]["connect"]["count"])

    def test_greet(self):
        self.load("greeted", "-c", "5", "-n", "40", "--mode", "greet", done=40)
        self.load("greeted", "-c", "5", "-n", "40", "--mode", "greet", "--expect", "welcome 你好\\r\\n", done=40)
        self.daemon.wait_for_counters(lambda now: (now["accepted"], now["open"]) == (80, 0), "eighty connections to be over")

    def test_greet_with_another_greeting(self):
        result = self.bench(*GENTLE, "-c", "2", "-n", "10", "--mode", "greet", "--expect", "re:^hello", self.address("greeted"))
        self.assert_counts(result.report, sent=10, done=0, content=10)

    def test_file(self):
        for listener, protocol in (("files", "text"), ("main", "framed")):
            with self.subTest(protocol):
                report = self.load(listener, "-c", "3", "-n", "12", "--mode", "file", "-m", "file.bin", "--protocol", protocol,
                                   done=12)
                self.assertLessEqual(12 * len(CONTENT), report["counts"]["bytes_in"])
                self.assertLess(report["counts"]["bytes_in"], 12 * len(CONTENT) + 5000)

    def test_a_file_that_changes_meanwhile(self):
        """Each download is whole; but from one of them on they are not those of the first."""
        bench = self.begin("--no-tui", "-c", "2", "-r", "20", "-d", "3s", "--mode", "file", "-m", "file.bin", "--json", "-",
                           self.address("files"))
        self.assertIn("/s", bench.stderr.readline())  # a second has passed
        (self.folder / "root" / "new").write_bytes(CONTENT[::-1])
        (self.folder / "root" / "new").rename(self.folder / "root" / "file.bin")
        bench.communicate(timeout=DEADLINE)
        self.assertEqual(1, bench.returncode)

    def test_idle(self):
        bench = self.begin("--no-tui", "-c", "50", "-d", "2s", "--idle", self.address("main"))
        self.daemon.wait_for_counters(lambda now: now["open"] == 50, "fifty connections to be held")
        out, err = bench.communicate(timeout=DEADLINE)
        self.assertEqual(0, bench.returncode, out + err)
        self.assertIn("idle: 50 connections, for 2.00 s", out)
        counters = self.daemon.wait_for_counters(lambda now: now["open"] == 0, "all to have left")
        self.assertEqual((50, 0), (counters["accepted"], counters.get("messages_in", 0)))

    def test_idle_counts_those_that_are_lost(self):
        bench = self.begin("-q", "-c", "20", "-d", "1m", "--idle", "--json", "-", self.address("main"))
        self.daemon.wait_for_counters(lambda now: now["open"] == 20, "twenty connections to be held")
        self.daemon.stop()
        bench.send_signal(signal.SIGINT)
        out, _ = bench.communicate(timeout=DEADLINE)
        report = json.loads(out)
        self.assertEqual((20, 0), (report["connections_lost"], report["connections_open"]))

    def test_the_servers_processor_time(self):
        before = self.daemon.processor_seconds()
        report = self.load("main", "-c", "2", "-n", "100", "--pid", str(self.daemon.pid), done=100)
        server = report["server"]
        self.assertEqual(self.daemon.pid, server["pid"])
        self.assertLess(0, server["cpu_seconds"])
        self.assertLessEqual(server["cpu_seconds"], self.daemon.processor_seconds() - before)
        self.assertAlmostEqual(report["metrics"]["cpu"], server["cpu_seconds"] * 1e6 / 100, 3)


if __name__ == "__main__":
    main()
