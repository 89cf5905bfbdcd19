"""fairlead ping: codes 0 to 3, and times."""
import signal
import socket
import struct
import subprocess
import unittest

from support.client import ENVIRONMENT, PlainServer, fairlead, hold, unused_port
from support.daemon import Daemon, binary
from support.peers import ERROR, HELLO, PREFACE, frame
from support.runner import main
from support.waiting import DEADLINE

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = echo
[service.echo]
type = echo
"""


class PingTest(unittest.TestCase):
    def check(self, result, code, answers, answer="accepting, pong"):
        self.assertEqual(result.code, code, result.err)
        self.assertEqual(result.text.count(f": {answer} in "), answers, result.text)
        if code in (0, 130):
            self.assertEqual(result.err, "")
        else:
            self.assertEqual(len(result.err.splitlines()), 1, result.err)

    def daemon(self, **limits):
        daemon = self.enterContext(Daemon(CONFIG, arguments=[
            word for name, value in limits.items() for word in ("--set", f"limits.{name}={value}")]))
        return daemon, "127.0.0.1:%d" % daemon.address()[1]

    def test_accepting(self):
        _, address = self.daemon()
        result = fairlead("ping", address)
        self.check(result, 0, 1)
        self.assertRegex(result.text, rf"^{address}: accepting, pong in \d+\.\d{{3}} ms\n$")

    def test_a_connection_is_no_answer(self):
        with PlainServer(lambda _, connection: hold(connection)) as server:
            self.check(fairlead("ping", "-w", "200ms", server.address), 2, 0)
            result = fairlead("ping", "--protocol", "tcp", server.address)
            self.check(result, 0, 1, "connects")
            self.assertRegex(result.text, rf"^{server.address}: connects in \d+\.\d{{3}} ms\n$")

    def test_a_daemon_that_is_stopped_does_not_answer(self):
        daemon, address = self.daemon()
        daemon.freeze()
        try:
            self.check(fairlead("ping", "-w", "200ms", address), 2, 0)
        finally:
            daemon.send_signal(signal.SIGCONT)

    def test_a_daemon_that_is_full_refuses(self):
        daemon, address = self.daemon(max_connections=1)
        with daemon.connect() as client:
            client.sendall(b"x\n")
            client.recv(10)
            self.check(fairlead("ping", address), 1, 0)

    def test_a_daemon_that_denies_the_client_refuses(self):
        daemon = self.enterContext(Daemon(CONFIG, arguments=["--set", "access.deny=127.0.0.9"]))
        address = "127.0.0.1:%d" % daemon.address()[1]
        self.check(fairlead("ping", address), 0, 1)
        self.check(fairlead("ping", "--source", "127.0.0.9", address), 1, 0)

    def test_an_answer_of_another_protocol_is_none(self):
        def serve(_, connection):
            connection.sendall(b"220 ready\r\n")
            hold(connection)
        with PlainServer(serve) as server:
            result = fairlead("ping", server.address)
            self.check(result, 2, 0)
            self.assertIn("--protocol tcp", result.err)

    def test_protocols_without_a_ping(self):
        for protocol in ("text", "len32"):
            result = fairlead("ping", "--protocol", protocol, "127.0.0.1:1")
            self.check(result, 3, 0)
            self.assertIn("--protocol tcp", result.err)

    def test_refusing(self):
        self.check(fairlead("ping", f"127.0.0.1:{unused_port()}"), 1, 0)

    def test_a_framed_server_that_is_full_refuses(self):
        def serve(_, connection):
            connection.sendall(PREFACE + frame(ERROR, struct.pack(">I", 14) + b"full"))
            connection.shutdown(socket.SHUT_WR)
            hold(connection)
        with PlainServer(serve) as server:
            self.check(fairlead("ping", "--protocol", "framed", server.address), 1, 0)

    def test_a_framed_server_that_ends_instead_of_answering_refuses(self):
        def serve(_, connection):
            connection.sendall(PREFACE + frame(HELLO, struct.pack(">HHI", 1, 1, 1000) + b"\0\0\0"))
            connection.shutdown(socket.SHUT_WR)
            hold(connection)
        with PlainServer(serve) as server:
            self.check(fairlead("ping", "--protocol", "framed", server.address), 1, 0)

    def test_no_answer(self):
        with PlainServer(lambda _, connection: hold(connection)) as server:
            self.check(fairlead("ping", "--protocol", "framed", "-w", "200ms", server.address), 2, 0)

        def hello_only(_, connection):
            connection.sendall(PREFACE + frame(HELLO, struct.pack(">HHI", 1, 1, 1000) + b"\0\0\0"))
            hold(connection)
        with PlainServer(hello_only) as server:
            result = fairlead("ping", "--protocol", "framed", "-w", "200ms", server.address)
            self.check(result, 2, 0)
            self.assertIn("PONG", result.err)

    def test_not_tried(self):
        for words in (["no-such-host.invalid"], ["--nonsense", "h"], [], ["7878"], ["h", "i"], ["-c", "x", "h"]):
            with self.subTest(words):
                self.check(fairlead("ping", *words), 3, 0)

    def test_several_times(self):
        with Daemon(CONFIG) as daemon:
            address = "127.0.0.1:%d" % daemon.address()[1]
            for protocol, answer, connections in (("tcp", "connects", 3), ("framed", "accepting, pong", 1)):
                before = len(daemon.sessions())
                result = fairlead("ping", "-c", "3", "-i", "10ms", "--protocol", protocol, address)
                self.check(result, 0, 3, answer)
                self.assertRegex(result.text.splitlines()[-1],
                                 r"^3 tried, 3 answered; min/avg/max [\d.]+ ms / [\d.]+ ms / [\d.]+ ms$")
                self.assertEqual(len(daemon.sessions(before + connections)), before + connections)

    def test_every_failed_try_is_a_line(self):
        result = fairlead("ping", "-c", "3", "-i", "10ms", f"127.0.0.1:{unused_port()}")
        self.assertEqual((result.code, len(result.err.splitlines())), (1, 3))
        self.assertEqual(result.text, "3 tried, 0 answered\n")

    def test_output_that_cannot_be_written(self):
        with PlainServer(lambda _, connection: hold(connection)) as server, open("/dev/full", "wb") as full:
            result = fairlead("ping", "--protocol", "tcp", server.address, stdout=full)
            self.assertEqual((result.code, len(result.err.splitlines())), (23, 1))

    def test_ctrl_c_ends_it_with_a_summary(self):
        with PlainServer(lambda _, connection: hold(connection)) as server:
            with subprocess.Popen([binary("fairlead"), "ping", "--protocol", "tcp", "-c", "0", "-i", "10ms", server.address],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=ENVIRONMENT) as client:
                for _ in range(3):
                    self.assertIn(b"connects", client.stdout.readline())
                client.send_signal(signal.SIGINT)
                out, err = client.communicate(timeout=DEADLINE)
            self.assertEqual((client.returncode, err), (130, b""))
            self.assertIn(b" answered; min/avg/max ", out)


if __name__ == "__main__":
    main()
