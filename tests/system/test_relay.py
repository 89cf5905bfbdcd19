"""The relay that other tests trust: it does what its plan says, at the byte that it says, and nothing else."""
import contextlib
import random
import socket
import tempfile
import unittest

from support import relay
from support.client import PlainServer
from support.daemon import connect, socket_address
from support.peers import receive_exactly, receive_until_end
from support.relay import CALL, CUT, DROP, FLIP, RESET, SLOW, Fault, Relay
from support.runner import main

CONTENT = random.Random(1).randbytes(1 << 20)


def _give(_, connection):
    """Waits for a word, gives CONTENT, and waits for the end."""
    receive_exactly(connection, 2)
    with contextlib.suppress(OSError):  # broken off is what these connections are for
        connection.sendall(CONTENT)
        connection.shutdown(socket.SHUT_WR)
        receive_until_end(connection)


class TheRelay(unittest.TestCase):
    def setUp(self):
        server = self.enterContext(PlainServer(_give))
        self.server = socket_address(server.address)

    def open(self, *plan, **options):
        """A connection through a relay with that plan, to which the word has been said."""
        self.relay = self.enterContext(Relay(self.server, plan, **options))
        return self.ask()

    def ask(self):
        client = self.enterContext(connect(socket_address(self.relay.address)))
        client.sendall(b"go")
        return client

    def test_without_a_plan_it_forwards(self):
        self.assertEqual(CONTENT, receive_until_end(self.open()))
        self.assertEqual((len(CONTENT), 1, []), (self.relay.carried, self.relay.connections, self.relay.struck))

    def test_resets_at_the_byte(self):
        for at in 0, 1, 70_000, len(CONTENT) - 1:
            client = self.open([Fault(RESET, at)])
            received = b""
            with self.assertRaises(ConnectionResetError):
                while part := client.recv(65536):
                    received += part
            self.assertEqual(at, self.relay.carried)
            self.assertTrue(CONTENT[:at].startswith(received))

    def test_cuts_at_the_byte(self):
        self.assertEqual(CONTENT[:70_001], receive_until_end(self.open([Fault(CUT, 70_001)])))

    def test_drops_at_the_byte(self):
        client = self.open([Fault(DROP, 70_001)])
        self.assertEqual(CONTENT[:70_001], receive_exactly(client, 70_001))
        client.settimeout(0.2)  # long enough for a byte that ought not to come
        self.assertRaises(TimeoutError, client.recv, 1)

    def test_flips_one_bit(self):
        received = receive_until_end(self.open([Fault(FLIP, 70_001, 4), Fault(FLIP, 3, 128)]))
        differing = [(at, one ^ other) for at, (one, other) in enumerate(zip(CONTENT, received)) if one != other]
        self.assertEqual([(3, 128), (70_001, 4)], differing)
        self.assertEqual(len(CONTENT), len(received))

    def test_slows_down(self):
        client = self.open([Fault(SLOW, len(CONTENT) - 1000, 10_000)])
        self.assertEqual(CONTENT, receive_until_end(client))
        slow = [when for when, carried in self.relay.history if carried > len(CONTENT) - 1000]
        self.assertGreater(slow[-1] - slow[0], 0.08)

    def test_calls_before_the_byte(self):
        carried = []
        self.assertEqual(CONTENT, receive_until_end(self.open([Fault(CALL, 5)], call=lambda: carried.append(self.relay.carried))))
        self.assertEqual([5], carried)

    def test_what_a_call_raises_is_raised(self):
        with self.assertRaises(ExceptionGroup), Relay(self.server, [[Fault(CALL, 5)]], call=lambda: 1 // 0) as self.relay:
            receive_until_end(self.ask())

    def test_at_a_unix_socket(self):
        with tempfile.TemporaryDirectory(prefix="fairlead-relay-") as folder:
            with Relay(self.server, path=f"{folder}/relay") as self.relay:
                self.assertEqual(f"unix:{folder}/relay", self.relay.address)
                self.assertEqual(CONTENT, receive_until_end(self.ask()))

    def test_each_connection_has_its_own_faults(self):
        client = self.open([], [Fault(CUT, 10)], every=[Fault(CUT, 20)])
        self.assertEqual([len(CONTENT), 10, 20, 20], [len(receive_until_end(one)) for one in
                                                      (client, self.ask(), self.ask(), self.ask())])

    def test_a_server_that_is_not_there_is_a_reset(self):
        self.open()
        with socket.create_server(("127.0.0.1", 0)) as gone:
            self.relay.server = gone.getsockname()
        with self.assertRaises(ConnectionResetError):
            receive_until_end(self.ask())

    def test_the_same_seed_is_the_same_plan(self):
        plans = [relay.plan_of(seed, RESET, 1 << 20, 3) for seed in (7, 7, 8)]
        self.assertEqual(plans[0], plans[1])
        self.assertNotEqual(plans[0], plans[2])
        self.assertEqual(3, len(plans[0]))


if __name__ == "__main__":
    main()
