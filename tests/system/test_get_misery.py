"""fairlead get while everything breaks at moments that a seed has drawn. Whatever happens, a file that is stored is the file.
hammer_get.py plays many more rounds, or one of them again."""
import concurrent.futures
import random
import signal

from support.getting import MIB, GettingTest, sha256
from support.relay import CALL, CUT, DROP, FLIP, RESET, Relay, draw_faults
from support.runner import main
from support.waiting import DEADLINE, wait_for

# What stands around the bytes of a file on the wire, about: a fault may strike there, too, or behind all of it.
WIRE_BYTES_MORE = 2000

# By then the server has said who it is. A connection that breaks before has never been one (test_get_options.py).
HELLO_BYTES = 100

# Of a file that is large enough for more than one connection to have a part in it.
SPLIT_BYTES = 66 * MIB + 5


class Misery(GettingTest):
    rounds = 5
    seed = "1"
    first_round = 0

    def setUp(self):
        super().setUp()
        self.serve()

    def play(self, check, times=1):
        """Every round has its own seed, so that it can be played again alone."""
        self.strikes = 0
        for number in range(self.first_round, self.first_round + times * self.rounds):
            with self.subTest(seed=self.seed, round=number):
                self.empty_target()
                self.dice = random.Random(f"{self.seed} {number}")
                size, = self.dice.choices([MIB, 2 * MIB + 1, 3 * MIB + 77, SPLIT_BYTES], [15, 15, 15, 1])
                self.content = self.write("file", self.dice.randbytes(size))
                split = self.dice.choice([2, 4]) if size == SPLIT_BYTES else self.dice.choice([1, 4])
                self.wire_bytes = len(self.content) // split + WIRE_BYTES_MORE
                self.options = ["-q", "--split", str(split), "--timeout", "500ms"]
                check()
                self.assert_fetched_in_the_end()
        if self.rounds > 1:
            self.assertGreater(self.strikes, 0, "nothing has happened in any round")

    def faults(self, kind, connections_max=3, bytes_min=0):
        """For one or more of the first connections, each anywhere in its stream."""
        return draw_faults(self.dice, kind, self.wire_bytes, self.dice.randrange(1, connections_max + 1), bytes_min=bytes_min)

    def fetch(self, plan, *options):
        """Through a relay with that plan; what it did stands in `self.struck`."""
        with Relay(self.daemon.address(), plan) as relay:
            result = self.get(*self.options, *options, relay.address, "file")
        self.struck = relay.struck
        self.strikes += len(relay.struck)
        return result

    def assert_nothing_wrong_is_stored(self):
        """The file is not there, or it is the file."""
        if (self.target / "file").exists():
            self.assertEqual(sha256(self.content), sha256((self.target / "file").read_bytes()))
            return True
        return False

    def assert_fetched_in_the_end(self):
        """When all is well again, one more call brings what is missing."""
        if not self.assert_nothing_wrong_is_stored():
            result = self.get(*self.options, self.address(), "file")
            self.assertEqual(0, result.code, result.err)
        self.assert_stored({"file": self.content})

    # ---- What happens

    def test_the_client_is_killed(self):
        def check():
            for _ in range(self.dice.randrange(1, 4)):
                started = concurrent.futures.Future()
                with Relay(self.daemon.address(), self.faults(CALL), call=lambda: started.result(DEADLINE).kill()) as relay:
                    process = self.start(*self.options, relay.address, "file")
                    started.set_result(process)
                    self.finish(process)
                self.strikes += len(relay.struck)
                if self.assert_nothing_wrong_is_stored():
                    break
        self.play(check)

    def check_fetched_over_restarts(self, number):
        """The server is sent that signal, and is there again when it has ended."""
        signalled = []

        def strike():
            signalled.append(self.daemon.pid)
            self.daemon.send_signal(number)

        def check():
            with Relay(self.daemon.address(), self.faults(CALL, 3, HELLO_BYTES), call=strike) as relay:
                process = self.start(*self.options, "--retry", "20", relay.address, "file")
                is_over = False
                while not is_over:
                    wait_for(lambda: process.poll() is not None or self.daemon.pid in signalled, "an end")
                    is_over = process.poll() is not None
                    if self.daemon.pid in signalled:
                        self.strikes += 1
                        self.restart()
                        relay.server = self.daemon.address()
                result = self.finish(process)
            self.assertEqual(0, result.code, result.err)
        self.play(check)

    def restart(self):
        self.daemon.wait()
        self.daemon.kill()
        self.daemon.start()

    def test_the_server_is_killed(self):
        self.check_fetched_over_restarts(signal.SIGKILL)

    def test_the_server_is_stopped(self):
        self.check_fetched_over_restarts(signal.SIGTERM)

    def check_fetched_in_spite_of(self, kind, connections_max=3):
        def check():
            result = self.fetch(self.faults(kind, connections_max, HELLO_BYTES))
            self.assertEqual(0, result.code, f"{result.err}{self.struck}")
        self.play(check)

    def test_resets(self):
        self.check_fetched_in_spite_of(RESET)

    def test_streams_that_end(self):
        self.check_fetched_in_spite_of(CUT)

    def test_silence(self):
        self.check_fetched_in_spite_of(DROP, 1)

    def test_flipped_bits(self):
        """Nothing but the hashes can tell. What the flip has made of a frame's header may be any failure."""
        def check():
            result = self.fetch(self.faults(FLIP))
            self.assertEqual(result.code == 0, self.assert_nothing_wrong_is_stored(), f"{result.err}{self.struck}")
        self.play(check, times=2)

    def test_what_lies_in_the_folder_is_garbled(self):
        def check():
            self.fetch([self.faults(CUT, 1)[0]] * 4, "--retry", "0")
            for path in self.target.glob("file.part*"):
                self.garble(path)
        self.play(check, times=2)

    def garble(self, path):
        content = bytearray(path.read_bytes())
        way = self.dice.choice(["flip", "cut", "grow", "noise", "delete", "leave"])
        if way == "flip" and content:
            for _ in range(self.dice.randrange(1, 20)):
                content[self.dice.randrange(len(content))] ^= 1 << self.dice.randrange(8)
        elif way == "cut":
            del content[self.dice.randrange(len(content) + 1):]
        elif way == "grow":
            content += self.dice.randbytes(self.dice.randrange(2 * MIB))
        elif way == "noise":
            content[:] = self.dice.randbytes(len(content))
        path.write_bytes(content)
        if way == "delete":
            path.unlink()


if __name__ == "__main__":
    main()
