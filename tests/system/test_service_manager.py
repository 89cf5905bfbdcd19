"""What systemd is told, by a fake $NOTIFY_SOCKET: ready, stopping, the status, more time, the watchdog; and that nobody misses it."""
import os
import pathlib
import signal
import socket
import tempfile
import unittest

from support.daemon import Daemon
from support.notify import NotifySocket
from support.peers import receive_exactly
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
"""
HANGER = """
[listener.hanger]
bind = 127.0.0.1:0
protocol = text
service = hanger
[service.hanger]
type = hanger
boundary = line
"""


class ServiceManagerTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def listen(self, name=None):
        self.manager = self.enterContext(NotifySocket(name or str(self.folder / "notify")))
        return self.manager

    def start(self, config="", **environment):
        self.daemon = self.enterContext(Daemon(CONFIG + config, environment={**self.manager.environment, **environment}))
        return self.daemon

    def client(self):
        client = self.enterContext(self.daemon.connect())
        client.sendall(b"x\n")
        receive_exactly(client, 2)
        return client

    def stop_serving(self):
        """A client is served; the daemon stops. The warnings about the manager until then."""
        self.client().close()
        self.assertEqual(0, self.daemon.stop())
        return self.daemon.events("service_manager_unreachable")


class States(ServiceManagerTest):
    def test_a_path_and_an_abstract_name(self):
        for name in (str(self.folder / "notify"), f"@fairlead-test-{os.getpid()}"):
            with self.subTest(name):
                self.listen(name)
                self.start()
                self.assertEqual({"READY": "1", "STATUS": "serving 0 connections"}, self.manager.wait_for_key("READY"))
                self.daemon.stop()
                self.assertEqual("1", self.manager.wait_for_key("STOPPING")["STOPPING"])
                self.assertEqual({self.daemon.pid}, self.manager.senders)
                self.assertEqual([], self.daemon.events("service_manager_unreachable"))

    def test_ready_is_said_when_it_listens(self):
        self.listen()
        self.daemon = Daemon(CONFIG, environment=self.manager.environment)
        with self.daemon:
            self.manager.wait_for_key("READY")
            self.client()

    def test_a_drain_says_how_many_are_left_and_asks_for_time_until_it_is_over(self):
        self.listen()
        self.start("[timeouts]\ndrain = 10m\n")
        first, second = self.client(), self.client()
        self.daemon.send_signal(signal.SIGTERM)
        stopping = self.manager.wait_for_key("STOPPING")
        self.assertEqual("draining, 2 connections left", stopping["STATUS"])
        first.close()
        def extensions():
            return [(when, message) for when, message in self.manager.messages if "EXTEND_TIMEOUT_USEC" in message]
        self.manager.wait_until(lambda: len(extensions()) == 2, "more time, again")
        (first_time, message), (second_time, _) = extensions()
        self.assertEqual({"EXTEND_TIMEOUT_USEC": "15000000"}, message)
        self.assertLess(second_time - first_time, 15, "asked again before it is over")
        self.manager.wait_until(lambda: "draining, 1 connection left" in self.manager.statuses(), "the status")
        second.close()
        self.assertEqual(0, self.daemon.wait())

    def test_a_lame_duck_is_called_so(self):
        self.listen()
        self.start("[timeouts]\nlame_duck = 10m\n")
        client = self.client()
        self.daemon.send_signal(signal.SIGQUIT)
        self.assertEqual("lame duck, 1 connection left", self.manager.wait_for_key("STOPPING")["STATUS"])
        client.close()
        self.assertEqual(0, self.daemon.wait())


class Watchdog(ServiceManagerTest):
    def test_is_fed(self):
        self.listen()
        self.start(WATCHDOG_USEC="500000")
        for _ in range(4):
            self.assertEqual({"WATCHDOG": "1"}, self.manager.wait_for_key("WATCHDOG"))

    def test_is_not_fed_while_one_thread_hangs(self):
        self.listen()
        hang = self.folder / "hang"
        hang.touch()
        self.daemon = self.enterContext(Daemon(CONFIG + HANGER, program="fairleadd_for_tests", environment={
            **self.manager.environment, "WATCHDOG_USEC": "200000"}))
        self.manager.wait_for_key("WATCHDOG")
        # The second thread has the first connection.
        with self.daemon.connect("hanger") as client:
            client.sendall(f"{hang}\n".encode())
            def is_silent():
                self.manager.messages.clear()
                self.manager.read(1)
                return not self.manager.messages
            wait_for(is_silent, "a second without a word")
            hang.unlink()
            self.assertEqual(f"{hang}\n".encode(), receive_exactly(client, len(f"{hang}\n")))
            self.manager.wait_for_key("WATCHDOG")


class Unreachable(ServiceManagerTest):
    def test_nobody_listens(self):
        self.listen()
        path = self.folder / "notify"
        path.unlink()
        self.start(WATCHDOG_USEC="20000")
        line, = self.stop_serving()
        self.assertEqual((str(path), "No such file or directory"), (line["socket"], line["why"]))

    def test_it_has_gone(self):
        self.listen()
        self.start(WATCHDOG_USEC="20000")
        self.manager.wait_for_key("READY")
        self.manager.__exit__()
        self.daemon.wait_for_events("service_manager_unreachable")
        self.assertEqual(1, len(self.stop_serving()))

    def test_it_does_not_read(self):
        self.listen()
        self.start(WATCHDOG_USEC="2000")
        line = self.daemon.wait_for_events("service_manager_unreachable")[0]
        self.assertEqual("Resource temporarily unavailable", line["why"])
        self.assertEqual(1, len(self.stop_serving()))

    def test_the_address_is_none(self):
        for name in ("vsock:2:1234", "relative/path", "/" + "x" * 200, "@"):
            with self.subTest(name):
                self.daemon = self.enterContext(Daemon(CONFIG, environment={"NOTIFY_SOCKET": name}))
                line, = self.stop_serving()
                self.assertEqual((name, "Invalid argument"), (line["socket"], line["why"]))

    def test_there_is_none(self):
        self.daemon = self.enterContext(Daemon(CONFIG, environment={"WATCHDOG_USEC": "20000"}))
        self.assertEqual([], self.stop_serving())

    def test_a_state_that_could_not_be_told_is_told_later(self):
        self.listen()
        other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        other.setblocking(False)
        with other, self.assertRaises(BlockingIOError):
            while True:
                other.sendto(b"X_FILL=1", str(self.folder / "notify"))
        self.start()
        self.daemon.wait_for_events("service_manager_unreachable")
        self.assertEqual("1", self.manager.wait_for_key("READY")["READY"])


if __name__ == "__main__":
    main()
