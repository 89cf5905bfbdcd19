"""The tutorials once more, at their own nine ports: config/seeds.conf as it is. Nothing else may run meanwhile."""
import socket
import unittest

import test_tutorials
from support.runner import main
from support.tutorials import LISTENERS


def port_taken():
    """The first of the nine that somebody else listens at."""
    for port in LISTENERS:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return port
    return None


class TutorialsAtTheirOwnPorts(test_tutorials.Tutorials):
    own_ports = True

    def setUp(self):
        if taken := port_taken():
            self.skipTest(f"port {taken} is in use by another program")
        super().setUp()
        self.assertEqual({port: ("127.0.0.1", port) for port in LISTENERS},
                         {port: self.address(port) for port in LISTENERS})


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(TutorialsAtTheirOwnPorts)


if __name__ == "__main__":
    main()
