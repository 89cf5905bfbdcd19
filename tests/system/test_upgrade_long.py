"""Upgrades under load, upgrades that fail under load, and processes that are killed in the middle: no client is lost that need not be."""
import collections
import random
import select
import signal
import time
import unittest

from support.runner import main, needs_long
from support.upgrade_load import CONFIG, Client, allow_many_descriptors, come_and_go, hold
from support.upgrading import Generation, UpgradedDaemon, balance, fake_taker, script
from support.waiting import DEADLINE, wait_for
from support.worker import Worker

UPGRADES = 200
FAILURES = 50
KILLS = 100
TALKING = RESTING = 1000
MESSAGES_A_SECOND = 4000
CONNECTS_A_SECOND = 1100  # what is asked for, so that what comes is not below the next
CONNECTS_A_SECOND_MIN = 1000
SEED = 20261201

# The session lines of some hundred thousand visitors are nobody's to read.
LOG = "[log]\nsession_file = {directory}/sessions\nempty_sessions = no\n"
LIMITS = "[limits]\nmax_connections = 8000\n"
INVALID = "idel = 1m\n"  # behind [timeouts]

PROGRAMS = {
    "ends": (script("exit 1"), r"\b1\b"),
    "hangs": (script("exec sleep 1000"), "timeouts.upgrade"),
    "killed": (script("kill -KILL $$"), "KILL|Killed|signal 9"),
    "invalid": (None, r"\b6\b|configuration"),
    "version": (fake_taker("taker = Taker()\ntaker.receive(HELLO)\ntaker.send(ready(9))\ntaker.hang()"), "READY"),
}


class LongTest(unittest.TestCase):
    def start(self, config):
        allow_many_descriptors()
        self.daemon = self.enterContext(UpgradedDaemon(config))
        return self.daemon

    def addresses(self):
        return {name: self.daemon.address(name) for name in ("main", "chinese")}


@needs_long
class UnderLoad(LongTest):
    def setUp(self):
        self.start(CONFIG + LOG + LIMITS)
        self.held = self.enterContext(Worker(hold, self.addresses(), TALKING, RESTING, MESSAGES_A_SECOND))
        self.assertEqual("held", self.held.hear())
        self.visitors = self.enterContext(Worker(come_and_go, self.daemon.address("main"), CONNECTS_A_SECOND))

    def check_resting_ones(self):
        self.held.tell("speak")
        self.assertEqual("all there", self.held.hear())

    def look_at_the_workers(self):
        """One that has something to say has failed."""
        for worker in (self.held, self.visitors):
            if worker.has_spoken():
                worker.hear()

    def finish(self):
        self.visitors.tell()
        visitors = self.visitors.hear()
        self.held.tell("stop")
        talked = self.held.hear()
        self.assertGreaterEqual(visitors["served"] / visitors["seconds"], CONNECTS_A_SECOND_MIN)
        return f"{talked} messages, {visitors['served']} visitors in {visitors['seconds']:.0f} s, the longest wait " \
               f"{1000 * visitors['waited_max']:.0f} ms"

    def test_nobody_notices(self):
        handed_over, kept, taken_ms = [], 0, []
        for number in range(UPGRADES):
            told = self.daemon.upgrade()
            handed_over.append(told["sessions_handed_over"])
            kept += told["sessions_kept"]
            taken_ms.append(told["ms"])
            self.assertEqual(0, self.daemon.previous.wait(), "the old one has kept somebody")
            self.look_at_the_workers()
            if number % 20 == 19:
                self.check_resting_ones()
        said = self.finish()
        taken_ms.sort()
        print(f"{UPGRADES} upgrades: {min(handed_over)} to {max(handed_over)} sessions handed over, {kept} kept in all, "
              f"ms: median {taken_ms[len(taken_ms) // 2]}, longest {taken_ms[-3:]}; {said}")
        self.assertGreaterEqual(min(handed_over), 0.95 * (TALKING + RESTING))
        counters = self.daemon.counters()
        self.assertEqual(0, balance(counters), counters)
        for event in self.daemon.events("counters"):
            self.assertEqual(0, balance(event), event)
            self.assertEqual(0, sum(event.get(reason, 0) for reason in ("reset", "draining", "restart", "internal_error")), event)

    def test_failures_lose_nobody(self):
        chance, ways = random.Random(SEED), collections.Counter()
        # Enough for a program in Python that starts on a busy machine.
        config = CONFIG + LOG + LIMITS + "[timeouts]\nupgrade = 3s\n"
        self.daemon.configure(config)
        self.daemon.send_signal(signal.SIGHUP)
        self.daemon.wait_for_events("reloaded")
        for number in range(FAILURES):
            way = list(PROGRAMS)[number % len(PROGRAMS)] if number < len(PROGRAMS) else chance.choice(list(PROGRAMS))
            program, why = PROGRAMS[way]
            self.daemon.put_program(program)
            self.daemon.configure(config + INVALID if way == "invalid" else config)
            answer = self.daemon.ask_for_upgrade()
            self.assertEqual("upgrade_failed", answer["event"], way)
            self.assertRegex(answer["reason"], why)
            ways[way] += 1
            self.look_at_the_workers()
            if number % 10 == 9:
                self.check_resting_ones()
        self.daemon.put_program()
        self.daemon.configure(config)
        self.daemon.upgrade()
        print(f"{FAILURES} failures {dict(ways)}: {self.finish()}")
        self.assertEqual(0, balance(self.daemon.counters()))


@needs_long
class Killed(LongTest):
    """Either process, anywhere in the hand-over."""

    CLIENTS = 1200  # five batches
    START_S = 0.05
    HAND_OVER_S = 0.02

    def setUp(self):
        self.start(CONFIG + LOG + LIMITS)
        self.clients = {}
        self.addCleanup(lambda: [client.socket.close() for client in self.clients.values()])
        self.poller = self.enterContext(select.epoll())
        self.connected = 0

    def fill_up(self):
        while len(self.clients) < self.CLIENTS:
            client = Client(self.addresses(), self.connected)
            self.connected += 1
            self.clients[client.socket.fileno()] = client
            self.poller.register(client.socket, select.EPOLLIN)

    def hear(self, seconds=0.0):
        """The clients that have ended meanwhile are none any more. What each has received was right, and in order."""
        for descriptor, _ in self.poller.poll(seconds):
            client = self.clients[descriptor]
            try:
                is_there = client.read()
            except ConnectionResetError:
                is_there = False
            if not is_there:
                self.forget(client)

    def forget(self, client):
        self.poller.unregister(client.socket)
        del self.clients[client.socket.fileno()]
        client.socket.close()

    def say(self, clients):
        for client in clients:
            try:
                client.say()
            except OSError:
                self.forget(client)

    def hear_all(self):
        end = time.monotonic() + DEADLINE
        while owing := [client for client in self.clients.values() if client.owed]:
            self.assertLess(time.monotonic(), end, f"{len(owing)} clients hang, one of them with {owing[0].owed[:100]!r}")
            self.hear(0.1)

    def test_at_any_point(self):
        rounds = collections.Counter()
        for number in range(KILLS):
            rounds[self.one_round(random.Random(f"{SEED} {number}"))] += 1
        print(f"{KILLS} kills: " + ", ".join(f"{count} times {what}" for what, count in rounds.items()))
        self.assertGreater(rounds["the old one was killed in the middle"], 5)
        self.assertGreater(rounds["the new one was killed in the middle"], 5)

    def one_round(self, chance):
        """What it has come to."""
        self.fill_up()
        self.say(list(self.clients.values()))
        self.hear_all()
        self.assertEqual(self.CLIENTS, len(self.clients))
        handed_over = self.daemon.counters().get("handed_over", 0)
        taken, failed = len(self.daemon.events("took_over")), len(self.daemon.events("upgrade_failed"))
        old = self.daemon.current
        begun = len(self.daemon.events("takes_over"))
        new = Generation(self.daemon.begin_upgrade()[0]["pid"])
        # It takes longer to start than to take over, so most kills come behind the start.
        if chance.random() < 0.8:
            wait_for(lambda: len(self.daemon.events("takes_over")) > begun, "the new process to start", pause_max=0.001)
            self.talk(chance, chance.uniform(0, self.HAND_OVER_S))
        else:
            self.talk(chance, chance.uniform(0, self.START_S))
        victim, survivor = chance.choice([(old, new), (new, old)])
        if not victim.has_ended():
            victim.kill()
            victim.has_ended(DEADLINE)
        if survivor is old:
            wait_for(lambda: len(self.daemon.events("upgrade_failed")) > failed or old.has_ended(), "the old process to know")
            new.reap()
            new.close()
            if old.has_ended():
                return self.began_anew()
        else:
            self.daemon.generations.append(new)
            wait_for(lambda: len(self.daemon.events("took_over")) > taken, "the new process to be alone")
        self.say(list(self.clients.values()))
        self.hear_all()
        counters = self.daemon.wait_for_counters(lambda now: now["open"] == len(self.clients), f"{len(self.clients)} sessions")
        self.assertEqual(0, balance(counters), counters)
        lost = self.CLIENTS - len(self.clients)
        if survivor is old:
            self.assertEqual(lost, counters.get("handed_over", 0) - handed_over, "those that the new one had said to take")
        else:
            self.assertEqual(len(self.clients), counters.get("taken_over", 0), "those that it had said to take")
        who = "new" if survivor is old else "old"
        return f"the {who} one was killed " + ("in the middle" if 0 < lost < self.CLIENTS else "before" if lost == 0 and survivor is old
                                               or lost == self.CLIENTS and survivor is new else "behind it")

    def talk(self, chance, seconds):
        """Half of the clients do, as fast as they can."""
        talking = chance.sample(list(self.clients.values()), self.CLIENTS // 2)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.say(client for client in chance.sample(talking, 10) if client.socket.fileno() in self.clients)
            self.hear()

    def began_anew(self):
        """It was the only one by then: everybody knows, and nobody hangs."""
        self.daemon.wait()
        end = time.monotonic() + DEADLINE
        while self.clients:
            self.assertLess(time.monotonic(), end, f"{len(self.clients)} clients hang")
            self.hear(0.1)
        self.start(CONFIG + LOG + LIMITS)
        return "the new one was killed behind it"


if __name__ == "__main__":
    main()
