"""Who is let in, and how many: one address that asks for too much costs nobody else anything, and every refusal is said and
counted."""
import time
import unittest

from support.daemon import Daemon
from support.flood import Flood
from support.peers import receive_exactly, receive_until_end
from support.runner import main
from support.waiting import wait_for

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
protocol = text
service = echo
[service.echo]
type = echo
boundary = line
greeting = "welcome"
"""
GREETING = b"welcome\n"
FLOODER = "127.0.0.2"
FLOOD = 10000
FLOOD_RATE = 5000  # a second, if the machine can
VISITS_MIN = 1000
MAX_PER_IP = 20
ACCEPT_RATE_PER_IP = 200

SENTENCES = {
    "ip_limit": "error: ip_limit: too many connections from this address",
    "rate_limited": "error: rate_limited: too many connections in a short time; try again later",
    "server_full": "error: server_full: the server is full; try again later",
    "denied": "error: denied: this address may not connect",
}


def visitor(number):
    """So many that none of them is near a limit of its own."""
    return f"127.0.{1 + number % 4}.{3 + number % 200}"


class LimitTest(unittest.TestCase):
    def start(self, config):
        self.daemon = self.enterContext(Daemon(CONFIG + config))

    def come(self, source="127.0.0.1", listener="main"):
        """The open connection of somebody who was let in, or the name of the reason."""
        client = self.daemon.connect(listener, source=source)
        line = receive_exactly(client, len(GREETING))
        if line == GREETING:
            self.addCleanup(client.close)
            return client
        with client:
            line += receive_until_end(client)
        reason = line.decode().split(": ")[1]
        self.assertEqual(SENTENCES[reason] + "\n", line.decode())
        return reason

    def check_counters(self, accepted, open=0, **reasons):
        """Once that many are open: these and no others."""
        counters = self.daemon.wait_for_counters(
            lambda now: (now["accepted"], now["open"]) == (accepted, open), f"{open} of {accepted} to be open")
        names = set(SENTENCES) | {"peer_closed", "eof_before_data", "reset"}
        self.assertEqual({name: count for name, count in reasons.items() if count},
                         {name: counters[name] for name in names if name in counters})
        self.assertEqual(accepted, open + sum(reasons.values()))


class OneAddressFloods(LimitTest):
    def visit(self, number):
        """Whether somebody else was served."""
        message = b"visit %d\n" % number
        try:
            with self.daemon.connect(source=visitor(number)) as client:
                client.sendall(message)
                return receive_exactly(client, len(GREETING + message)) == GREETING + message
        except (OSError, EOFError):
            return False

    def flood(self, leaves):
        with Flood(self.daemon.address(), FLOODER, FLOOD, FLOOD_RATE, leaves) as flood:
            visits = failures = 0
            while not flood.has_spoken() or visits < VISITS_MIN:
                failures += not self.visit(visits)
                visits += 1
            result = flood.hear()
            print(f"{FLOOD / result.seconds:.0f} connections/s; {failures} of {visits} others failed")
            self.assertEqual(0, failures, f"of {visits} others")
            flood.leave()
        return result, visits

    def test_with_connections_that_stay(self):
        self.start(f"[limits]\nmax_per_ip = {MAX_PER_IP}\n")
        result, visits = self.flood(leaves=False)
        self.assertEqual({"welcome": MAX_PER_IP, SENTENCES["ip_limit"]: FLOOD - MAX_PER_IP}, result.told)
        self.check_counters(FLOOD + visits, ip_limit=FLOOD - MAX_PER_IP, eof_before_data=MAX_PER_IP, peer_closed=visits)

    def test_with_connections_that_come_and_go(self):
        self.start(f"[limits]\nmax_per_ip = {MAX_PER_IP}\naccept_rate_per_ip = {ACCEPT_RATE_PER_IP}\n")
        result, visits = self.flood(leaves=True)
        welcome = result.told["welcome"]
        # The first second's worth is the burst. Some of it may have met the other limit.
        self.assertLessEqual(welcome, ACCEPT_RATE_PER_IP * (result.answered + 1) + 1)
        self.assertGreaterEqual(welcome, MAX_PER_IP)
        limited, rated = (result.told.get(SENTENCES[reason], 0) for reason in ("ip_limit", "rate_limited"))
        self.assertEqual(FLOOD, welcome + limited + rated)
        self.assertGreater(rated, 0)
        self.check_counters(FLOOD + visits, ip_limit=limited, rate_limited=rated, eof_before_data=welcome,
                            peer_closed=visits)


class Limits(LimitTest):
    def test_max_per_ip_counts_what_is_open(self):
        self.start("[limits]\nmax_per_ip = 2\n")
        first, _ = self.come(), self.come()
        self.assertEqual("ip_limit", self.come())
        self.check_counters(3, open=2, ip_limit=1)
        first.close()
        self.check_counters(3, open=1, ip_limit=1, eof_before_data=1)
        self.come().getpeername()
        self.check_counters(4, open=2, ip_limit=1, eof_before_data=1)

    def test_ip_prefix_v4_makes_neighbours_one_address(self):
        self.start("[limits]\nmax_per_ip = 3\nip_prefix_v4 = 24\n")
        for last in range(1, 4):
            self.come(f"127.0.1.{last}").getpeername()
        self.assertEqual("ip_limit", self.come("127.0.1.200"))
        self.come("127.0.2.1").getpeername()
        self.check_counters(5, open=4, ip_limit=1)

    def test_max_connections(self):
        self.start("[limits]\nmax_connections = 10\n")
        clients = [self.come(visitor(number)) for number in range(10)]
        self.assertEqual("server_full", self.come())
        self.check_counters(11, open=10, server_full=1)
        clients[0].close()
        self.check_counters(11, open=9, server_full=1, eof_before_data=1)
        self.come().getpeername()

    def test_early_drop_refuses_some_before_it_is_full(self):
        self.start("[limits]\nmax_connections = 100\nearly_drop = 50\n")
        answers = [self.come() for _ in range(200)]
        refused = [number for number, answer in enumerate(answers) if isinstance(answer, str)]
        self.assertEqual({"server_full"}, {answers[number] for number in refused})
        # Half are let in without a question; that none of the other half is refused until it is full has a chance of 1e-20.
        self.assertGreater(refused[0], 50)
        self.assertLess(refused[0], 100)
        self.check_counters(200, open=200 - len(refused), server_full=len(refused))

    def test_accept_rate(self):
        self.start("[limits]\naccept_rate = 5\n")
        began = time.monotonic()
        answers = [self.come(visitor(number)) for number in range(30)]
        refused = [answer for answer in answers if isinstance(answer, str)]
        self.assertEqual({"rate_limited"}, set(refused))
        welcome = len(answers) - len(refused)
        self.assertGreaterEqual(welcome, 5)
        self.assertLessEqual(welcome, 5 * (time.monotonic() - began + 1) + 1)
        self.check_counters(30, open=welcome, rate_limited=len(refused))
        wait_for(lambda: not isinstance(self.come(), str), "somebody to be let in again")

    def test_the_longest_prefix_decides_who_may(self):
        self.start("[access]\nallow = 127.0.5.0/24\ndeny = 127.0.0.0/16, 127.0.5.7\n")
        for source in ("127.0.0.1", "127.0.4.255", "127.0.5.7"):
            self.assertEqual("denied", self.come(source), source)
        for source in ("127.0.5.1", "127.0.5.8", "127.1.0.1"):
            self.come(source).getpeername()
        self.check_counters(6, open=3, denied=3)


NOISY = """
[listener.noisy]
bind = 127.0.0.1:0
protocol = text
service = echo
"""


class OfOneListener(LimitTest):
    """Both the listener's and the daemon's must admit."""

    def test_a_noisy_listener_does_not_use_up_the_daemons_connections(self):
        self.start("[limits]\nmax_connections = 10\n" + NOISY + "max_connections = 3\n")
        noisy = [self.come(listener="noisy") for _ in range(3)]
        for _ in range(20):
            self.assertEqual("server_full", self.come(listener="noisy"))
        for _ in range(7):
            self.come().getpeername()
        self.assertEqual("server_full", self.come(), "the daemon's own limit")
        self.check_counters(31, open=10, server_full=21)
        noisy[0].close()
        self.check_counters(31, open=9, server_full=21, eof_before_data=1)
        self.come(listener="noisy").getpeername()
        self.assertEqual("server_full", self.come(listener="noisy"))

    def test_max_message(self):
        self.start("[limits]\nmax_message = 100\n" + NOISY + "max_message = 10\n")
        for listener, told in (("main", b""), ("noisy", b"error: message_too_big: ")):
            with self.come(listener=listener) as client:
                client.sendall(b"x" * 11 + b"\n")
                self.assertEqual((told or b"x" * 11)[:11], receive_exactly(client, 11), listener)

    def test_allow_and_deny(self):
        self.start("[access]\ndeny = 127.0.7.0/24\n" + NOISY +
                   "allow = 127.0.5.0/24, 127.0.7.1\ndeny = 127.0.0.0/16\n")
        for source, main_says, noisy_says in (("127.0.5.1", None, None), ("127.0.4.1", None, "denied"),
                                              ("127.0.7.1", "denied", "denied")):
            for listener, expected in (("main", main_says), ("noisy", noisy_says)):
                answer = self.come(source, listener)
                self.assertEqual(expected, answer if isinstance(answer, str) else None, f"{source} at {listener}")


if __name__ == "__main__":
    main()
