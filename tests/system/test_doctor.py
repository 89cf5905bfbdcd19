"""fairleadd --doctor on this machine: what it finds is what is there, and it leaves no trace."""
import os
import pathlib
import resource
import socket
import subprocess
import tempfile
import unittest

from support.daemon import Daemon, binary
from support.peers import exchange
from support.runner import main
from support.waiting import DEADLINE

CONFIG = """
[listener.main]
bind = {address}
service = echo
[service.echo]
type = echo
"""


class Doctor(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-doctor-")))

    def examine(self, more="", address="127.0.0.1:0", status=0, preexec=None):
        """The findings, by their grade."""
        config = self.folder / "fairleadd.conf"
        config.write_text(CONFIG.format(address=address) + more, encoding="utf-8")
        done = subprocess.run([binary(), "--doctor", "-c", config], capture_output=True, text=True, timeout=DEADLINE,
                              stdin=subprocess.DEVNULL, preexec_fn=preexec)
        self.assertEqual((status, ""), (done.returncode, done.stderr), done.stdout)
        grades = {"ok": [], "warn": [], "bad": []}
        for line in done.stdout.splitlines():
            self.assertRegex(line, r"^(ok    |warn  |bad   )[a-z][a-z0-9_ .]*: .")
            grades[line.split()[0]].append(line[6:])
        return grades

    def check_one(self, pattern, findings):
        found = [finding for finding in findings if finding.startswith(pattern.split("|")[0])]
        self.assertEqual(1, len(found), findings)
        for part in pattern.split("|"):
            self.assertIn(part, found[0])

    def test_what_is_fine(self):
        root, log, run = self.folder / "root", self.folder / "log", self.folder / "run"
        root.mkdir()
        run.mkdir()
        before = set(self.folder.rglob("*"))
        grades = self.examine(f"[server]\nrun_dir = {run}\n[limits]\nmax_connections = 100\n[log]\nfile = {log}\n"
                              f"[service.files]\ntype = file\nroot = {root}\n", f"127.0.0.1:0, unix:{self.folder}/socket")
        self.check_one("descriptors: |limits.max_connections is 100", grades["ok"])
        self.check_one("memory: |100 idle sessions", grades["ok"])
        self.check_one("encodings: ", grades["ok"])
        self.check_one(f"log.file: |{log} can be written", grades["ok"])
        self.check_one(f"server.run_dir: |{run} can be written", grades["ok"])
        self.check_one(f"service files: |{root} can be read", grades["ok"])
        self.assertEqual(2, len([line for line in grades["ok"] if line.startswith("listener main: ")]))
        self.assertEqual([], grades["bad"])
        self.assertEqual({*before, self.folder / "fairleadd.conf"}, set(self.folder.rglob("*")), "it leaves no trace")

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = "127.0.0.1:%d" % other.getsockname()[1]
            self.check_one(f"listener main: {address} is in use|`ss -lptn`", self.examine(address=address)["warn"])

    def test_an_address_of_another_machine(self):
        grades = self.examine(address="192.0.2.1:0", status=1)
        self.check_one("listener main: cannot listen at 192.0.2.1:0|no interface", grades["bad"])

    def test_a_unix_socket_in_use(self):
        path = str(self.folder / "socket")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            other.listen()
            self.check_one(f"listener main: unix:{path} is in use|`ss -lpx`", self.examine(address=f"unix:{path}")["warn"])
        self.assertTrue(os.path.exists(path))

    def test_while_the_daemon_runs_nothing_is_bad_and_nothing_disturbed(self):
        with Daemon("[listener.main]\nbind = 127.0.0.1:0\nservice = echo\n[service.echo]\ntype = echo\n") as daemon:
            address = "%s:%d" % daemon.address()
            grades = self.examine(address=address)
            self.check_one(f"listener main: {address} is in use: right if this daemon is running", grades["warn"])
            self.assertEqual([], grades["bad"])
            self.assertEqual(b"still\n", exchange(daemon.address(), b"still\n"))

    def test_too_few_descriptors(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
        grades = self.examine("[limits]\nmax_connections = 1000\n", status=1, preexec=few)
        self.check_one("descriptors: RLIMIT_NOFILE 200|room for 72|wants 1000|1128", grades["bad"])

    def test_paths_that_cannot_be_used(self):
        missing, plain, fifo = self.folder / "none", self.folder / "plain", self.folder / "fifo"
        plain.write_text("")
        os.mkfifo(fifo)
        grades = self.examine(f"[server]\nrun_dir = {plain}\n[log]\nfile = {missing}/log\nsession_file = {fifo}\n"
                              f"[service.files]\ntype = file\nroot = {missing}\n", status=1)
        self.check_one(f"log.file: |{missing}/log|No such file", grades["bad"])
        self.check_one(f"server.run_dir: |{plain}|", grades["bad"])
        self.check_one(f"service files: |{missing}|No such file", grades["warn"])
        self.check_one(f"log.session_file: |{fifo}|FIFO", grades["warn"])

    def test_an_invalid_configuration_is_said_as_usual(self):
        done = subprocess.run([binary(), "--doctor", "--listen", "127.0.0.1:0", "--set", "limits.none=1"],
                              capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual((6, ""), (done.returncode, done.stdout))
        self.assertIn("limits.none", done.stderr)

    def test_findings_that_nobody_can_be_told_are_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            for action in ("--doctor", "-T", "-h", "-V"):
                done = subprocess.run([binary(), action, "--listen", "127.0.0.1:0"], stdout=full, stderr=subprocess.PIPE,
                                      text=True, timeout=DEADLINE)
                self.assertEqual((1, 1), (done.returncode, done.stderr.count("\n")), done.stderr)
                self.assertIn("cannot write to stdout", done.stderr)


if __name__ == "__main__":
    main()
