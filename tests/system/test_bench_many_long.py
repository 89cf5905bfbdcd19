"""Nineteen thousand connections from one process: what ctest runs with the label `long`, and only with FAIRLEAD_LONG=1."""
import json
import resource

from support.bench import BenchTest
from support.daemon import Daemon
from support.runner import main, needs_long
from support.waiting import DEADLINE

MANY = 19_000
RESERVE = 200  # descriptors of the daemon that are no clients

CONFIG = """
[server]
threads = 1
[listener.main]
bind = 127.0.0.1:0
service = echo
[service.echo]
type = echo
boundary = line
[log]
level = info
session_file = /dev/null
"""


@needs_long
class NineteenThousand(BenchTest):
    def setUp(self):
        super().setUp()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < MANY + RESERVE:
            self.skipTest(f"{hard} descriptors are too few for {MANY} connections: raise the limit (ulimit -n)")
        self.daemon = self.enterContext(Daemon(CONFIG))
        self.words = ("-q", "-c", str(MANY), "--source", "127.0.0.0/24", "--json", "-", "127.0.0.1:%d" % self.daemon.address()[1])

    def run_until_the_end(self, *words):
        bench = self.begin(*words, *self.words)
        self.daemon.wait_for_counters(lambda now: now["open"] == MANY, f"{MANY} connections at once")
        out, err = bench.communicate(timeout=4 * DEADLINE)
        self.assertIn(bench.returncode, (0, 98), err)  # 98: with two cores for both it may lack one
        report = json.loads(out)
        self.assertEqual((MANY, 0), (report["connections_open"], report["connections_lost"]))
        print(report["verdict"], report["metrics"])
        self.daemon.wait_for_counters(lambda now: now["open"] == 0, "all to have left")
        return report

    def test_held(self):
        self.assert_counts(self.run_until_the_end("--idle", "-d", "5s"), sent=0, done=0)

    def test_each_of_them_asks_at_a_rate(self):
        report = self.run_until_the_end("-r", "10k", "-d", "6s")
        self.assert_counts(report, sent=60_000, done=60_000)
        self.assertEqual(60_000, self.daemon.counters()["messages_in"])


if __name__ == "__main__":
    main()
