"""fairlead bench on a name that has several addresses."""
import collections
import json
import os
import subprocess
import unittest

from support.bench import GENTLE, BenchTest
from support.client import ENVIRONMENT, PlainServer, Result
from support.daemon import binary
from support.runner import main
from support.waiting import DEADLINE

HOSTS = "127.0.0.1 several\n127.0.0.2 several\n127.0.0.3 several\n127.0.0.1 several\n::1 several\n127.0.0.3 one\n"


@unittest.skipUnless(os.geteuid() == 0, "needs root, for a file of hosts of its own")
class Addresses(BenchTest):
    def setUp(self):
        super().setUp()
        if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no file of hosts of its own can be had here")
        (self.folder / "hosts").write_text(HOSTS)
        self.visited = []

    def echo(self, _, connection):
        self.visited.append(connection.getsockname()[0])
        while data := connection.recv(65536):
            connection.sendall(data)

    def load(self, name, *words, host="0.0.0.0"):
        with PlainServer(self.echo, host) as server:
            command = f"mount --bind {self.folder}/hosts /etc/hosts; exec \"$@\""
            process = subprocess.run(
                ["unshare", "-m", "sh", "-ec", command, "sh", binary("fairlead"), "bench", "-q", "--json", f"{self.folder}/json",
                 *GENTLE, "-n", "60", *words, f"{name}:{server.port}"],
                capture_output=True, stdin=subprocess.DEVNULL, timeout=DEADLINE, env=ENVIRONMENT)
        result = Result(process)
        result.report = json.loads((self.folder / "json").read_bytes()) if (self.folder / "json").exists() else None
        result.addresses = [f"127.0.0.{last}:{server.port}" for last in (1, 2, 3)]
        return result

    def test_connections_take_them_in_turn(self):
        """::1 is of another family, and nobody listens there."""
        result = self.load("several", "-c", "6")
        self.assertEqual(0, result.code, result.err)
        # The first visit is to see which family answers.
        self.assertEqual({f"127.0.0.{last}": 2 for last in (1, 2, 3)}, collections.Counter(self.visited[1:]))
        self.assertEqual(sorted(result.addresses), sorted(result.report["addresses"]))
        self.assertRegex(result.text, "addresses +" + ", ".join(result.report["addresses"]))

    def test_connections_that_follow_each_other_do_too(self):
        result = self.load("several", "-c", "1", "--mode", "conn")
        self.assertEqual(0, result.code, result.err)
        self.assertEqual({f"127.0.0.{last}": 20 for last in (1, 2, 3)}, collections.Counter(self.visited[1:]))

    def test_one_at_which_nobody_listens_is_no_secret(self):
        result = self.load("several", "-c", "3", host="127.0.0.1")
        counts = result.report["counts"]
        self.assertGreater(counts["errors"]["refused"] + counts["connect_errors"]["refused"], 0)
        self.assertEqual(sorted(result.addresses), sorted(result.report["addresses"]))

    def test_a_name_with_one(self):
        result = self.load("one", "-c", "2")
        self.assertEqual(0, result.code, result.err)
        self.assertEqual(["127.0.0.3"] * 2, self.visited)
        self.assertEqual([result.addresses[2]], result.report["addresses"])
        self.assertRegex(result.text, "addresses +" + result.addresses[2])


if __name__ == "__main__":
    main()
