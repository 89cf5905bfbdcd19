"""What the log says of a life: the start, the stop and who asked for it, a crash, the journal's priorities; and what it does not
say: the addresses of clients, where they are to be kept out."""
import errno
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import tempfile
import unittest

from support.daemon import Daemon, binary
from support.peers import receive_exactly
from support.runner import main, release_only
from support.waiting import DEADLINE, wait_for

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
protocol = text
service = echo
[service.echo]
type = echo
boundary = line
"""


def sender_of(event):
    return event["sender_pid"], event["sender_uid"]


class Life(unittest.TestCase):
    def test_the_first_line_says_what_starts_and_the_last_how_long_it_ran(self):
        with Daemon(CONFIG) as daemon:
            first = daemon.events()[0]
            version = subprocess.run([binary(), "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
            self.assertEqual(("starting", version, daemon.pid, pwd.getpwuid(os.geteuid()).pw_name, str(daemon.config_file)),
                             tuple(first[name] for name in ("event", "version", "pid", "user", "config")))
            daemon.stop()
            last = daemon.events()[-1]
            self.assertEqual("stopped", last["event"])
            self.assertIn(last["uptime"], range(DEADLINE.__ceil__()))

    def test_a_configuration_is_named_by_its_whole_path(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "some.conf").write_text(CONFIG)
            with Daemon(config_file="./some.conf", preexec=lambda: os.chdir(folder)) as daemon:
                self.assertEqual(os.path.realpath(folder) + "/some.conf", daemon.events("starting")[0]["config"])

    def test_without_a_file_there_is_none(self):
        with subprocess.Popen([binary(), "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True) as process:
            first = process.stderr.readline()
            process.terminate()
            process.communicate(timeout=DEADLINE)
        self.assertIn(' info starting version=', first)
        self.assertTrue(first.endswith(' config=""\n'), first)

    def test_a_stop_names_the_signal_and_its_sender(self):
        for number, event in ((signal.SIGTERM, "draining"), (signal.SIGINT, "draining"), (signal.SIGQUIT, "lame duck")):
            with self.subTest(number), Daemon(CONFIG) as daemon:
                daemon.stop(number)
                line, = daemon.events(event)
                self.assertEqual(number.name, "SIG" + line["signal"])
                self.assertEqual((os.getpid(), os.getuid()), sender_of(line))

    def test_so_does_a_second_one(self):
        with Daemon(CONFIG + "[timeouts]\ndrain = 10m\n") as daemon, daemon.connect() as client:
            client.sendall(b"x\n")
            receive_exactly(client, 2)
            daemon.send_signal(signal.SIGTERM)
            daemon.wait_for_events("draining")
            subprocess.run(["kill", "-INT", str(daemon.pid)], check=True)
            self.assertEqual(0, daemon.wait())
            line, = daemon.events("second signal: leaving at once")
            self.assertEqual("INT", line["signal"])
            self.assertNotEqual(os.getpid(), line["sender_pid"])


class Crash(unittest.TestCase):
    @release_only  # a sanitizer has handlers of its own
    def test_it_says_so_and_ends_by_that_signal(self):
        for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT):
            with self.subTest(number), self.assertRaisesRegex(AssertionError, f"ended with {-number}"):
                with Daemon(CONFIG) as daemon:
                    daemon.send_signal(number)
                    self.assertEqual(-number, daemon.wait())
                    line, *backtrace = re.split(r"^", daemon.stderr()[daemon.stderr().index("fairleadd: crashed"):],
                                                flags=re.MULTILINE)[1:]
                    self.assertRegex(line, f"^fairleadd: crashed: signal={number.name[3:]} sender_pid={os.getpid()} version=")
                    self.assertTrue(any("/fairleadd(+0x" in frame for frame in backtrace), backtrace)


class Journal(unittest.TestCase):
    def setUp(self):
        reader, self.writer = os.pipe()
        self.reader = self.enterContext(os.fdopen(reader))
        self.addCleanup(self.close_writer)
        found = os.fstat(self.writer)
        self.environment = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}

    def close_writer(self):
        if self.writer is not None:
            os.close(self.writer)
        self.writer = None

    @staticmethod
    def refuses(address):
        with socket.socket() as client:
            return client.connect_ex(address) == errno.ECONNREFUSED

    def lines(self):
        self.close_writer()
        return self.reader.read().splitlines()

    def test_every_line_begins_with_its_priority(self):
        config = CONFIG + "[log]\nformat = text\n[timeouts]\ndrain = 10m\n"
        with Daemon(config, stderr=self.writer, environment=self.environment, mute=True) as daemon:
            client = self.enterContext(daemon.connect())
            client.sendall(b"x\n")
            receive_exactly(client, 2)
            daemon.send_signal(signal.SIGTERM)
            wait_for(lambda: self.refuses(daemon.address()), "the drain to begin")
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()
        for line in self.lines():
            self.assertRegex(line, "^<6>[^<]* info |^<4>[^<]* warn ")

    def test_what_stderr_is_told_before_there_is_a_log_has_one_too(self):
        status = subprocess.run([binary(), "-c", "/missing.conf"], stderr=self.writer, check=False,
                                env={**os.environ, **self.environment}).returncode
        self.assertEqual(6, status)
        self.assertTrue(all(line.startswith("<3>fairleadd: ") for line in self.lines()))

    def test_other_destinations_have_none(self):
        with Daemon(CONFIG, environment=self.environment) as daemon:
            daemon.stop()
            self.assertNotIn("<6>", daemon.stderr())


TOLD = """
[listener.files]
bind = 127.0.0.1:0
protocol = text
service = files
[service.files]
type = file
root = {folder}
on_missing = "missing {{ip}} {{peer}} {{port}}"
[service.echo]
on_connect = "connect {{ip}} {{peer}} {{port}}"
on_message = "message {{ip}} {{peer}} {{port}}"
on_close = "close {{ip}} {{peer}} {{port}}"
[service.answer]
type = reply
text = {{ip}}
[listener.answer]
bind = 127.0.0.1:0
service = answer
[limits]
max_per_ip = 1
[log]
level = debug
repeats = 0
session_file = {folder}/sessions
"""


class Addresses(unittest.TestCase):
    SOURCE = "127.9.8.7"

    def visit_all(self, log):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        with Daemon(CONFIG + TOLD.format(folder=folder) + log) as daemon:
            for listener, said, heard in (("main", b"x\n", b"x\n"), ("answer", b"x\n", self.SOURCE.encode() + b"\n"),
                                          ("files", b"none\n", b"")):
                with daemon.connect(listener, source=self.SOURCE) as client:
                    client.sendall(said)
                    self.assertEqual(heard, receive_exactly(client, len(heard)), "what it is told itself is whole")
                    with daemon.connect(source=self.SOURCE) as refused:
                        refused.recv(100)
                wait_for(lambda: daemon.counters()["open"] == 0, f"the client of {listener} to have gone")
            daemon.stop()
            return daemon.stderr() + daemon.stdout() + pathlib.Path(folder, "sessions").read_text()

    def test_can_be_kept_out_of_everything_that_is_written(self):
        written = self.visit_all("peer = prefix\n")
        self.assertNotIn(self.SOURCE, written)
        for line in ('"peer":"127.9.8.0/24"', "connect 127.9.8.0 ('127.9.8.0', ", "message 127.9.8.0 (", "close 127.9.8.0 (",
                     "missing 127.9.8.0 ("):
            self.assertIn(line, written)

    def test_are_whole_otherwise(self):
        written = self.visit_all("")
        for line in ('"peer":"127.9.8.7:', "connect 127.9.8.7 ('127.9.8.7', ", "missing 127.9.8.7 ("):
            self.assertIn(line, written)


if __name__ == "__main__":
    main()
