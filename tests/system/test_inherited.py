"""Listening sockets from systemd, or from any program that holds them: they are accepted from, and while they are held nobody is
refused over a restart."""
import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

from support.daemon import Daemon, binary, connect, passing
from support.held import Visitors, listening
from support.peers import exchange, receive_exactly
from support.runner import main
from support.waiting import wait_for

CONFIG = """
[listener.main]
bind = {bind}
protocol = text
service = echo
[service.echo]
type = echo
boundary = line
"""
SECOND = """
[listener.second]
bind = 127.0.0.1:0
protocol = text
service = echo
"""


class Held(unittest.TestCase):
    def hold(self, host="127.0.0.1"):
        return self.enterContext(listening(host))

    def start(self, *inherited, bind="127.0.0.1:0", config=""):
        self.daemon = self.enterContext(Daemon(CONFIG.format(bind=bind) + config, inherited=inherited))
        return self.daemon

    def listening_at(self):
        return {(event["listener"], event["address"], event.get("inherited", False)) for event in self.daemon.events("listening")}

    @staticmethod
    def text_of(held):
        host, port = held.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def descriptors_beyond_standard(self):
        return {os.readlink(f"/proc/{self.daemon.pid}/fd/{number}") for number in os.listdir(f"/proc/{self.daemon.pid}/fd")}


class Serving(Held):
    def test_by_name_whatever_the_order(self):
        first, second = self.hold(), self.hold()
        self.start(("second", second), ("main", first), config=SECOND)
        self.assertEqual({("main", self.text_of(first), True), ("second", self.text_of(second), True)}, self.listening_at())
        for held in (first, second):
            self.assertEqual(b"x\n", exchange(held.getsockname(), b"x\n"))
        ports = (self.daemon.directory / "run" / "ports").read_text()
        self.assertIn(f"main {self.text_of(first)}\n", ports)

    def test_by_address_where_there_is_no_such_name(self):
        held = self.hold()
        self.start(("fairleadd.socket", held), bind=self.text_of(held))
        self.assertEqual({("main", self.text_of(held), True)}, self.listening_at())
        self.assertEqual(b"x\n", exchange(held.getsockname(), b"x\n"))

    def test_what_no_socket_stands_for_is_opened(self):
        held = self.hold()
        self.start(("main", held), bind=f"{self.text_of(held)}, 127.0.0.2:0")
        self.assertEqual({True, False}, {inherited for _, _, inherited in self.listening_at()})
        for address in self.daemon.addresses():
            self.assertEqual(b"x\n", exchange(address, b"x\n"))

    def test_a_unix_socket_whose_path_stays(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/socket"
            with socket.socket(socket.AF_UNIX) as held:
                held.bind(path)
                held.listen()
                for _ in range(2):
                    with Daemon(CONFIG.format(bind=f"unix:{path}"), inherited=[("", held)]):
                        self.assertEqual(b"x\n", exchange(path, b"x\n"))
                    self.assertTrue(os.path.exists(path))

    def turns(self):
        """How often each thread was put on a processor."""
        tasks = pathlib.Path(f"/proc/{self.daemon.pid}/task").iterdir()
        return {task.name: int((task / "schedstat").read_text().split()[2]) for task in tasks}

    def threads_that_serve(self, address):
        clients = [self.enterContext(connect(address)) for _ in range(8)]
        rounds, before = 50, self.turns()
        for _ in range(rounds):
            for client in clients:
                client.sendall(b"x\n")
                self.assertEqual(b"x\n", receive_exactly(client, 2))
        return sum(turns - before.get(name, 0) > rounds for name, turns in self.turns().items())

    def test_with_reuseport_all_threads_serve_what_one_socket_accepts(self):
        held = self.hold()
        self.start(("main", held), config="[server]\naccept = reuseport\n")
        self.assertEqual(2, self.threads_that_serve(held.getsockname()))

    def test_and_so_they_do_with_a_unix_socket_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            self.start(bind=f"unix:{folder}/socket", config="[server]\naccept = reuseport\n")
            self.assertEqual(2, self.threads_that_serve(f"{folder}/socket"))
            self.daemon.stop()

    def test_what_serves_nobody_is_closed_with_a_warning(self):
        held, stray = self.hold(), self.hold()
        datagrams = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.start(("main", held), ("stray", stray), ("main", datagrams))
        told = {(event["name"], event["address"]) for event in self.daemon.events("inherited_socket_closed")}
        self.assertEqual({("stray", self.text_of(stray)), ("main", "")}, told)
        sockets = [link for link in self.descriptors_beyond_standard() if link.startswith("socket:")]
        self.assertEqual([f"socket:[{os.fstat(held.fileno()).st_ino}]"], sockets)

    def test_clients_of_before_the_start_are_served(self):
        held = self.hold()
        early = self.enterContext(connect(held.getsockname()))
        early.sendall(b"early\n")
        self.start(("main", held))
        self.assertEqual(b"early\n", receive_exactly(early, 6))


class Refusing(Held):
    def run_with(self, *arguments, names="main", **variables):
        held = self.hold()
        command = [*passing([(names, held)]), "/usr/bin/env", *(f"{name}={value}" for name, value in variables.items()),
                   binary(), "--listen", "127.0.0.1:0", *arguments]
        return subprocess.run(command, pass_fds=[held.fileno()], capture_output=True, text=True, check=False)

    def test_variables_that_contradict_each_other(self):
        for variables, why in (({"LISTEN_FDS": "x"}, 'LISTEN_FDS is "x"'), ({"LISTEN_FDNAMES": "a:b"}, "LISTEN_FDNAMES names 2"),
                               ({"LISTEN_FDS": "7", "LISTEN_FDNAMES": ""}, "is not open")):
            with self.subTest(why):
                result = self.run_with(**variables)
                self.assertEqual(1, result.returncode)
                line, = result.stderr.splitlines()
                self.assertRegex(line, f"^fairleadd: the sockets that were passed cannot be taken: .*{why}.*; correct the program")

    def test_checks_leave_them_alone(self):
        held = self.hold()
        for option in ("-t", "-T", "--doctor"):
            result = subprocess.run([*passing([("main", held)]), binary(), option, "--listen", "127.0.0.1:0"],
                                    pass_fds=[held.fileno()], capture_output=True, text=True, check=False)
            self.assertNotIn("inherited", result.stderr)
            self.assertIn(result.returncode, (0, 1))
        held.getsockname()


class Restarts(Held):
    RATE = 200

    def test_while_they_are_held_nobody_is_refused(self):
        held = self.hold()
        config = CONFIG.format(bind=self.text_of(held))
        with Visitors(held.getsockname(), self.RATE) as visitors:
            for _ in range(3):
                before = visitors.begun
                with Daemon(config, inherited=[("main", held)]) as daemon:
                    wait_for(lambda: visitors.begun >= before + 50, "fifty more visitors")
                    daemon.stop()
            with Daemon(config, inherited=[("main", held)]):
                visitors.leave()
        print(f"{visitors.served} of {visitors.begun} were served; the longest wait was {visitors.waited_max:.2f} s")
        self.assertEqual([], visitors.failures)
        self.assertEqual(visitors.begun, visitors.served)
        self.assertGreater(visitors.served, 150)


if __name__ == "__main__":
    main()
