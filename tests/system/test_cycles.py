"""Thousands of connections that come and go, half of them badly: afterwards nothing is left of them but the counters, which
say what the clients have counted themselves."""
import os
import random
import unittest

from support.daemon import Daemon
from support.runner import main
from support.visitors import come_and_go

LISTENER = """
[listener.{name}]
bind = 127.0.0.1:0
protocol = {protocol}
service = echo
"""
CONFIG = "".join(LISTENER.format(name=name, protocol=protocol) for name, protocol in (
    ("any", "auto"), ("text", "text"), ("len32", "len32"), ("framed", "framed"))) + """
[service.echo]
type = echo
boundary = line
[log]
session_file = /dev/null
"""
WARM_UP = 1000


class Cycles(unittest.TestCase):
    visits = 5000
    heap_growth_max = 256 << 10

    def test_nothing_is_left_and_all_is_counted(self):
        seed = int(os.environ.get("FAIRLEAD_TEST_SEED", random.randrange(1 << 32)))
        print(f"FAIRLEAD_TEST_SEED={seed}", flush=True)
        with Daemon(CONFIG) as daemon:
            addresses = {name: daemon.address(name) for name in ("any", "text", "len32", "framed")}

            def run(first, last, rude_share):
                """What the clients have counted, and by how much the counters have grown meanwhile."""
                before = daemon.counters()
                counted = come_and_go(addresses, range(first, last), seed, rude_share)
                after = daemon.wait_for_counters(
                    lambda now: now["open"] == 0 and now["accepted"] == before["accepted"] + counted["accepted"],
                    "all to have come and gone")
                numbers = [name for name, value in after.items() if isinstance(value, int)]
                return counted, {name: after[name] - before.get(name, 0) for name in numbers}

            run(0, WARM_UP, 0.5)
            early, descriptors = daemon.counters()["heap_in_use"], daemon.descriptors()
            mixed_until = WARM_UP + (self.visits - WARM_UP) * 3 // 4
            run(WARM_UP, mixed_until, 0.5)
            counted, grown = run(mixed_until, self.visits, 0)
            self.assertEqual(counted, {name: grown[name] for name in counted})

            counters = daemon.counters()
            self.assertEqual(self.visits, counters["accepted"])
            self.assertLessEqual(abs(counters["heap_in_use"] - early), self.heap_growth_max)
            daemon.wait_for_descriptors(descriptors)
            self.assertEqual([], [event for event in daemon.events() if event["level"] in ("warn", "error")])
            print({name: value for name, value in counters.items() if isinstance(value, int)})


if __name__ == "__main__":
    main()
