"""A machine, or a container, without IPv6: what does not need it starts, and says what is left out."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from support.daemon import SOURCE_DIR, binary
from support.runner import main
from support.waiting import DEADLINE

ECHO = "[service.echo]\ntype = echo\n[listener.main]\nservice = echo\n"
# As Docker writes it, whether there is IPv6 or not.
HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n127.0.0.1\tagain localhost\n"
# A network of its own, in which nothing else listens, and a file of hosts of its own.
ENTER = """
ip link set lo up
echo {disabled} > /proc/sys/net/ipv6/conf/all/disable_ipv6
mount --bind {hosts} /etc/hosts
exec "$@"
"""


@unittest.skipUnless(os.geteuid() == 0, "needs root, for a network without IPv6")
class WithoutIpv6(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-ipv4-")))
        if subprocess.run(["unshare", "-n", "-m", "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no network of its own can be had here")
        self.hosts = self.folder / "hosts"
        self.hosts.write_text(HOSTS)

    def run_there(self, *arguments, has_ipv6=False):
        enter = ENTER.format(disabled=0 if has_ipv6 else 1, hosts=self.hosts)
        return subprocess.Popen(["unshare", "-n", "-m", "sh", "-ec", enter, "sh", binary(), *arguments], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def start(self, *arguments, **options):
        """Where it listens, and what it has left out."""
        with self.run_there(*arguments, **options) as process:
            said = ""
            while " ready " not in said and (line := process.stdout.readline()):
                said += line
            process.terminate()
            self.assertEqual(0, process.wait(DEADLINE), said)
        self.assertIn(" ready ", said)
        return (re.findall(r"info listening listener=\S+ address=(\S+)", said),
                re.findall(r"warn address_left_out listener=\S+ address=(\S+) why=\"this machine", said))

    def check(self, option, *arguments):
        with self.run_there(option, *arguments) as process:
            said = process.stdout.read()
        return process.returncode, said

    def write(self, text):
        path = self.folder / "fairleadd.conf"
        path.write_text(text)
        return "-c", str(path)

    def test_the_ready_configuration(self):
        ready = ("-c", str(SOURCE_DIR / "config" / "fairleadd.conf"))
        self.assertEqual((["127.0.0.1:7878"], ["[::1]:7878"]), self.start(*ready))
        for option in ("-t", "--doctor"):
            status, said = self.check(option, *ready)
            self.assertEqual(0, status, said)
            self.assertIn("[::1]:7878 is left out", said)

    def test_a_listener_without_an_address(self):
        for accept in ("shared", "reuseport"):
            path = self.write(ECHO + f"[server]\naccept = {accept}\nthreads = 2\n")
            copies = 1 if accept == "shared" else 2
            self.assertEqual((["127.0.0.1:7878"] * copies, ["[::1]:7878"]), self.start(*path))

    def test_localhost(self):
        path = self.write(ECHO + "bind = localhost:7000\n")
        self.assertEqual((["127.0.0.1:7000"], ["[::1]:7000"]), self.start(*path))
        self.assertEqual(0, self.check("-t", *path)[0])

    def test_a_name_that_the_file_of_hosts_gives_an_address_twice(self):
        where, left_out = self.start(*self.write(ECHO + "bind = localhost:7000\n"), has_ipv6=True)
        self.assertEqual(["127.0.0.1:7000", "[::1]:7000"], sorted(where))
        self.assertEqual([], left_out)

    def test_where_nothing_else_is_left_it_is_an_error(self):
        for bind in ("[::1]:7000", "[::1]:7000, [::1]:7001"):
            path = self.write(ECHO + f"bind = {bind}\n")
            for option in ((), ("-t",)):
                status, said = self.check(*option, *path)
                self.assertEqual(1, status, said)
                self.assertIn("[::1]:7000: bind: Cannot assign requested address", said)

    def test_an_address_of_another_machine_is_an_error(self):
        status, said = self.check(*self.write(ECHO + "bind = 127.0.0.1:7000, [2001:db8::1]:7000\n"))
        self.assertEqual(1, status, said)


if __name__ == "__main__":
    main()
