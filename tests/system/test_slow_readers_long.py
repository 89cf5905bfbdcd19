"""Ten thousand slow readers: what ctest runs with the label `long`, and only with FAIRLEAD_LONG=1. What the daemon tells of its
own times counts only here, with a core of its own and nothing else on the machine."""
import test_slow_readers
from support.cores import Windows, back_memory
from support.runner import main, needs_long
from test_slow_readers import HEALTHY

MIB = 1 << 20
# Counted are the replies to the slow ones, too, of whom a look for events finds up to 128 with some KiB each.
LATE_SHARE = 0.25
# As by default: their queues together are far above max_buffer_memory.
LARGE_QUEUES = """
[limits]
queue_soft = 256KiB
max_buffer_memory = 256MiB
"""


@needs_long
class TenThousand(test_slow_readers.SlowReaders):
    readers = 10000

    def setUp(self):
        super().setUp()
        back_memory()

    def begin_windows(self, daemon):
        self.windows = self.enterContext(Windows(daemon))

    def end_window(self):
        self.windows.end()

    def test_each_is_ended_for_what_it_did_and_the_others_lose_nothing(self):
        self.check_each_is_ended_for_what_it_did()
        self.windows.judge(self, LATE_SHARE)

    def test_all_their_queues_together_stay_within_the_memory(self):
        daemon, healthy, idle_bytes = self.start(LARGE_QUEUES, 384 * 1024)
        most = self.watch_until_ended(daemon)
        self.assertLessEqual(most["user"], idle_bytes + 256 * MIB * 1.1)
        self.check_healthy(daemon, healthy)
        counters = daemon.counters()
        self.assertGreater(counters["shed"], 0)
        echo = self.reasons(daemon, "echo")
        self.assertEqual(HEALTHY, echo.pop("peer_closed"))
        self.assertLessEqual(set(echo), {"write_timeout", "slow_consumer"})
        self.assertEqual(self.readers, echo.total())
        self.windows.judge(self, LATE_SHARE)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(TenThousand)


if __name__ == "__main__":
    main()
