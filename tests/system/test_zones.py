"""Link-local IPv6 addresses, which say through which interface: [fe80::1%lo]:7878."""
import socket
import subprocess
import unittest

from support.client import fairlead
from support.daemon import SOURCE_DIR, Daemon
from support.network import ENVIRONMENT, enter_own_network, skip_without_own_network
from support.runner import main

CONFIG = """
[server]
accept = {accept}
threads = 2
[listener.main]
bind = [fe80::7%lo]:0
service = echo
services = echo, file
[service.echo]
type = echo
[service.file]
type = file
root = {root}
"""


class Zones(unittest.TestCase):
    def setUp(self):
        skip_without_own_network(self)
        subprocess.run(["ip", "-6", "address", "replace", "fe80::7/64", "dev", "lo", "nodad"], env=ENVIRONMENT, check=True)

    def test_the_daemon_listens_and_every_command_connects(self):
        for accept in ("shared", "reuseport"):
            with self.subTest(accept), Daemon(CONFIG.format(accept=accept, root=SOURCE_DIR / "tests"), mute=True) as daemon:
                ports = (daemon.directory / "run" / "ports").read_text()
                self.assertIn("[fe80::7%lo]:", ports)
                port = int(ports.rpartition(":")[2])
                address = f"[fe80::7%lo]:{port}"
                for words in (["ping", address], ["ls", address], ["send", address, "hello"],
                              ["bench", "-q", "-c", "2", "-n", "10", "--dry-run", address]):
                    result = fairlead(*words)
                    self.assertEqual((0, ""), (result.code, result.err), words)
                with socket.create_connection(("fe80::7%lo", port)) as client:
                    client.sendall(b"x\n")
                    self.assertEqual(b"x\n", client.recv(10))

    def test_an_interface_that_does_not_exist(self):
        result = fairlead("ping", "[fe80::7%none]:7878")
        self.assertEqual((3, 1), (result.code, len(result.err.splitlines())), result.err)
        self.assertIn("cannot resolve", result.err)


if __name__ == "__main__":
    enter_own_network()
    main()
