"""Many clients that hold connections open and say nothing, or never finish what they say: each is ended at its deadline and
for its reason, and healthy ones notice nothing."""
import collections
import resource
import unittest

from support.daemon import Daemon
from support.peers import ERROR, MESSAGE_TIMEOUT, PREFACE, exchange, frame, frames_of, len32, reason_of
from support.runner import main
from support.slow_crowd import Manner, SlowCrowd
from support.waiting import DEADLINE

FIRST_BYTE, MESSAGE, IDLE = 2, 4, 2
CONFIG = f"""
[listener.main]
bind = 127.0.0.1:0
service = echo
idle = 1m
[listener.dripping]
bind = 127.0.0.1:0
service = echo
idle = {IDLE}s
[service.echo]
type = echo
boundary = line
[timeouts]
first_byte = {FIRST_BYTE}s
message = {MESSAGE}s
"""
HEALTHY_MIN = 100
HEALTHY_EVERY = 0.02
# What a client may see of it before or after the deadline; a sanitizer's build is given more, as everywhere.
TOLERANCE = max(1.0, DEADLINE / 60)

DEADLINES = {"silent": FIRST_BYTE, "dripping": MESSAGE, "half a length": MESSAGE, "half a frame": MESSAGE}


class Slowloris(unittest.TestCase):
    clients = 1000

    def setUp(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < self.clients + 500:
            self.skipTest(f"{hard} descriptors are too few for {self.clients} clients: raise the limit (ulimit -n)")

    def test_each_is_ended_at_its_deadline_while_healthy_ones_are_served(self):
        with Daemon(CONFIG) as daemon:
            daemon.counters()  # by now every thread has opened and closed what it needs for its first allocation
            before = daemon.descriptors_at_rest()
            main, dripping = daemon.address(), daemon.address("dripping")
            manners = [
                Manner("silent", main, b"", 0),
                Manner("dripping", dripping, b"x", IDLE / 4),  # never idle, and never a message
                Manner("half a length", main, len32(b"x" * 1000)[:2], 0),
                Manner("half a frame", main, PREFACE + frame(5, b"x", request_id=1)[:6], 0),
            ]
            healthy = 0
            with SlowCrowd(self.clients, manners) as crowd:
                endings = None
                while endings is None or healthy < HEALTHY_MIN:
                    message = b"healthy %d\n" % healthy
                    self.assertEqual(message, exchange(main, message))
                    healthy += 1
                    endings = endings or crowd.endings(wait=HEALTHY_EVERY)
            self.check_endings(endings)

            counters = daemon.wait_for_counters(lambda now: now["open"] == 0, "all to have ended")
            self.assertEqual(self.clients + healthy, counters["accepted"])
            self.assertEqual((self.clients // 4, 3 * self.clients // 4, healthy),
                             tuple(counters.get(reason, 0) for reason in (
                                 "first_byte_timeout", "message_timeout", "peer_closed")))
            daemon.wait_for_descriptors(before)
            self.check_sessions(daemon, endings)

    def check_endings(self, endings):
        self.assertEqual(self.clients, len(endings))
        slowest = collections.defaultdict(float)
        for ending in endings:
            late = ending.seconds - DEADLINES[ending.manner]
            slowest[ending.manner] = max(slowest[ending.manner], abs(late))
            self.assertFalse(ending.was_reset, ending)
            self.assertLessEqual(abs(late), TOLERANCE, ending)
            if ending.manner == "half a frame":
                last = frames_of(ending.received)[-1]
                self.assertEqual((ERROR, MESSAGE_TIMEOUT), (last.type, reason_of(last.payload)), ending)
            else:
                self.assertEqual(b"", ending.received, ending)
        print("at most beside the deadline:", ", ".join(f"{manner} {seconds:.3f} s" for manner, seconds in slowest.items()))

    def check_sessions(self, daemon, endings):
        wanted = {f"{host}:{port}": "first_byte_timeout" if manner == "silent" else "message_timeout"
                  for manner, (host, port), *_ in endings}
        sessions = daemon.wait_for_events("session", self.clients, lambda event: event["peer"] in wanted)
        self.assertEqual(wanted, {session["peer"]: session["reason"] for session in sessions})
        self.assertEqual(self.clients, len(sessions), "one line each")


if __name__ == "__main__":
    main()
