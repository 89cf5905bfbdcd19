"""Ten thousand clients at once, and ten thousand one after the other: every reply right, and nothing left behind."""
import resource
import threading
import time
import unittest

from support.crowd import Crowd, visit
from support.daemon import POOLS_KEEP_MAX, Daemon
from support.peers import PREFACE, len32
from support.runner import main
from support.waiting import wait_for

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
[listener.reply]
bind = 127.0.0.1:0
protocol = text
service = reply
[service.echo]
type = echo
boundary = line
[service.reply]
type = reply
boundary = line
text = {text} 收到
[timeouts]
drain = 0
linger = 200ms
[log]
level = info
session_file = /dev/null
"""
MANY = 10000
# The log's two halves keep up to 256 KiB each of what a burst of sessions needed.
HEAP_GROWTH_MAX = (64 + 2 * 256) * 1024


def lines_and_lengths(number, round_number):
    """Half of the clients speak text, a quarter of those in GBK; half speak len32. Every message is its own."""
    text = f"client {number} round {round_number} 第{number}号"
    if number % 2:
        message = len32(text.encode())
    else:
        message = text.encode("gbk" if number % 8 == 0 else "utf-8") + b"\n"
    return message, message  # the service is an echo


def answered_lines(number, round_number):
    encoding = "gbk" if number % 2 else "utf-8"
    text = f"第{number}号说{round_number}"
    return f"{text}\n".encode(encoding), f"{text} 收到\n".encode(encoding)


class TenThousandAtOnce(unittest.TestCase):
    def setUp(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < MANY + 200:
            self.skipTest(f"{hard} descriptors are too few for {MANY} clients: raise the limit (ulimit -n)")

    def check_crowd(self, listener, conversation, rounds, config=""):
        with Daemon(CONFIG + config) as daemon:
            before = daemon.descriptors_at_rest()
            with Crowd(daemon.address(listener), MANY, conversation, rounds) as crowd:
                crowd.wait_until_connected()
                daemon.wait_for_counters(lambda now: now["open"] == MANY, f"{MANY} sessions at once")
                crowd.talk()
                self.assertEqual(MANY, daemon.counters()["open"])
                crowd.leave()
            counters = daemon.wait_for_counters(lambda now: now["open"] == 0, "everybody to have left")
            self.assertEqual((MANY, MANY), (counters["accepted"], counters["peer_closed"]))
            self.assertEqual((MANY * rounds, MANY * rounds), (counters["messages_in"], counters["messages_out"]))
            daemon.wait_for_descriptors(before)

    def test_each_gets_the_reply_to_each_of_its_messages(self):
        self.check_crowd("main", lines_and_lengths, rounds=4)

    def test_in_two_encodings_at_once(self):
        self.check_crowd("reply", answered_lines, rounds=2)


class NobodyDelaysAnother(unittest.TestCase):
    def test_idle_undecided_unfinished_and_deaf_clients_beside_busy_ones(self):
        """No speed is asked for: only that every exchange is completed while the others do their worst."""
        with Daemon(CONFIG.replace("drain = 0", "drain = 0\nwrite = 1h\nmessage = 1h")) as daemon:
            opened = []
            self.addCleanup(lambda: [client.close() for client in opened])
            deaf = []
            for number in range(400):
                client = daemon.connect()
                opened.append(client)
                kind = number % 4
                if kind == 0:
                    client.sendall(b"a line that does not end")
                elif kind == 1:
                    client.sendall(PREFACE[:3])
                elif kind == 2 and number < 80:
                    deaf.append(client)
            for client in deaf:
                client.settimeout(0)
            stop = threading.Event()

            def shout():
                """Keeps the deaf ones' pipes full: they send whatever is taken and read nothing."""
                line = b"x" * 4095 + b"\n"
                while not stop.is_set():
                    for client in deaf:
                        try:
                            client.send(line)
                        except BlockingIOError:
                            pass
                    time.sleep(0.001)

            shouting = threading.Thread(target=shout)
            shouting.start()
            try:
                # They have to be full before it counts.
                self.wait_until_full(daemon)
                with Crowd(daemon.address(), 500, lines_and_lengths, rounds=20) as crowd:
                    crowd.wait_until_connected()
                    crowd.talk()
                    crowd.leave()
            finally:
                stop.set()
                shouting.join()
            counters = daemon.wait_for_counters(lambda now: now.get("peer_closed") == 500, "the crowd to have left")
            self.assertEqual(400, counters["open"])

    @staticmethod
    def wait_until_full(daemon):
        """Until the queues of the deaf ones are what the daemon holds, and no longer grow."""
        sizes = []

        def steady():
            sizes.append(daemon.counters()["heap_in_use"])
            return len(sizes) > 5 and sizes[-1] == sizes[-3]
        wait_for(steady, "the deaf clients' queues to be full")


class TenThousandOneAfterTheOther(unittest.TestCase):
    """What is in use afterwards is what was in use after the first thousand. How many are there at once is bounded:
    memory for the busiest moment is kept, and is no leak."""

    visits = MANY

    def check(self, come_and_go, reason, heap_growth_max=HEAP_GROWTH_MAX):
        with Daemon(CONFIG) as daemon:
            before = daemon.descriptors_at_rest()
            come_and_go(daemon, 1000)
            early = daemon.wait_for_counters(lambda now: now["open"] == 0, "the first thousand to have left")
            come_and_go(daemon, self.visits - 1000)
            late = daemon.wait_for_counters(lambda now: now["open"] == 0, "all to have left")
            self.assertEqual((self.visits, self.visits), (late["accepted"], late[reason]))
            daemon.wait_for_descriptors(before)
            self.assertLessEqual(abs(late["heap_in_use"] - early["heap_in_use"]), heap_growth_max)

    def test_connect_and_close_at_once(self):
        def come_and_go(daemon, count):
            accepted = daemon.counters()["accepted"]
            for _ in range(0, count, 20):
                for _ in range(20):
                    daemon.connect().close()
                accepted += 20
                daemon.wait_for_counters(lambda now: now["accepted"] == accepted and now["open"] == 0, "twenty to leave")
        self.check(come_and_go, "eof_before_data")

    def test_connect_exchange_and_close(self):
        self.check(lambda daemon, count: visit(daemon.address(), count, "一行\n".encode()), "peer_closed")

    def test_messages_that_need_buffers(self):
        self.check(lambda daemon, count: visit(daemon.address(), count, b"x" * 20000 + b"\n"), "peer_closed", POOLS_KEEP_MAX)


class Lingering(unittest.TestCase):
    def test_at_most_a_thousand_wait_for_their_peers_end(self):
        """Clients that were ended and do not end: the oldest beyond a thousand on a thread are reset."""
        config = CONFIG.replace("linger = 200ms", "linger = 1m") + \
            "[server]\nthreads = 1\n[listener.once]\nbind = 127.0.0.1:0\nprotocol = text\nservice = once\n" \
            "[service.once]\ntype = echo\nclose_after = 1\nboundary = line\n"
        with Daemon(config) as daemon:
            clients = []
            self.addCleanup(lambda: [client.close() for client in clients])
            for _ in range(1100):
                client = daemon.connect("once")
                clients.append(client)
                client.sendall(b"x\n")
                self.assertEqual(b"x\n", client.recv(10))
                self.assertEqual(b"", client.recv(10))
            counters = daemon.wait_for_counters(lambda now: now.get("close_after", 0) >= 100, "the oldest to be reset")
            self.assertEqual((1000, 100), (counters["open"], counters["close_after"]))
            for client in clients:
                client.close()
            daemon.wait_for_counters(lambda now: now["open"] == 0, "the others to have ended")


if __name__ == "__main__":
    main()
