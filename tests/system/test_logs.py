"""Logs that cannot be written: a full disk, readers that do not read, descriptors that are closed. They cost lines, which
are counted, and never service, memory or a quick end."""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import resource
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from support.daemon import Daemon, binary, connect
from support.peers import exchange, receive_until_end
from support.runner import main
from support.waiting import wait_for

CONFIG = """
[listener.main]
bind = unix:{directory}/socket, 127.0.0.1:0
service = echo
[service.echo]
type = echo
boundary = line
on_message = {on_message}
"""

NOBODY = 65534
PIPE_BYTES = 65536
LINES_QUEUED = 8192
# What a queue of lines may take: twice its text while one half is being written, and what the heap keeps of it.
QUEUE_MEMORY = 24 << 20
# What a queue of session lines may grow the daemon by; a sanitizer keeps up to four times as much beside it, TSan more.
SHADOW = {"": 1, "thread": 6}.get(os.environ.get("FAIRLEAD_SANITIZE", ""), 4)
LINES_MEMORY = (8 << 20) * SHADOW
END_SECONDS = 20  # each destination is given a second; the rest is for a slow machine


def whole_lines(data):
    """The JSON lines; what a full disk has torn is none, even if only its newline is missing."""
    def parsed(line):
        with contextlib.suppress(ValueError):
            return json.loads(line)
    return [event for event in map(parsed, data.split(b"\n")[:-1]) if isinstance(event, dict)]


class LogTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-logs-")))
        self.socket = str(self.folder / "socket")

    def config(self, log="", on_message=""):
        return CONFIG.format(directory=self.folder, on_message=on_message) + "[log]\n" + log

    def start(self, log="", on_message="", **options):
        self.daemon = self.enterContext(Daemon(self.config(log, on_message), **options))
        return self.daemon

    def fifo(self, name="fifo"):
        path = self.folder / name
        os.mkfifo(path)
        return path

    def pipe(self):
        """A pipe that nobody reads."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        return reader, writer

    def visit(self, times):
        """As many sessions, and lines."""
        for _ in range(times):
            connect(self.socket).close()

    def stderr_events(self, name):
        return [event for event in whole_lines(self.daemon.stderr().encode()) if event["event"] == name]

    def check_serves(self):
        began = time.monotonic()
        self.assertEqual(b"hello\n", exchange(self.socket, b"hello\n"))
        self.assertLess(time.monotonic() - began, 10)

    def check_more_lines_than_are_kept(self):
        self.visit(100)
        before = self.daemon.resident_bytes()
        self.visit(LINES_QUEUED + 2000)
        self.check_serves()
        self.assertLess(self.daemon.resident_bytes() - before, LINES_MEMORY)

    def check_ends_in_time(self):
        began = time.monotonic()
        self.assertEqual(0, self.daemon.stop())
        self.assertLess(time.monotonic() - began, END_SECONDS)

    def read_until(self, reader, wanted):
        """The JSON lines of a pipe that had not been read until now, up to the first event of that name."""
        os.set_blocking(reader, False)
        data = b""
        def found():
            nonlocal data
            with contextlib.suppress(BlockingIOError):
                while some := os.read(reader, 1 << 20):
                    data += some
            return [event for event in whole_lines(data) if event["event"] == wanted]
        return wait_for(found, f"{wanted} in the pipe")[0]


def become_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


class NoRoom(LogTest):
    def test_a_disk_that_is_full(self):
        self.start("file = /dev/full\nsession_file = /dev/full\nformat = json\n", mute=True)
        self.check_more_lines_than_are_kept()
        self.assertEqual(["No space left on device"], [event["why"] for event in self.stderr_events("log_failing")])
        self.check_ends_in_time()

    def test_a_disk_that_becomes_full_costs_lines_that_are_counted_and_told(self):
        """A limit on the size of files stands in for the disk; another file is room again."""
        log, sessions = self.folder / "log", self.folder / "sessions"
        self.start(f"file = {log}\nsession_file = {sessions}\n", log_file=log,
                   preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000)))
        self.visit(1000)
        self.daemon.wait_for_events("session_lines_lost")
        counters = self.daemon.wait_for_counters(
            lambda now: now["open"] == 0 and now["accepted"] == 1000, "all to have ended")
        self.assertGreater(counters["log_lost"], 0)
        told, = self.stderr_events("log_failing")
        self.assertEqual((str(sessions), "File too large"), (told["path"], told["why"]))
        full = sessions.rename(self.folder / "sessions.1")
        self.assertEqual(60000, full.stat().st_size)
        log.rename(self.folder / "log.1")
        self.daemon.send_signal(signal.SIGUSR1)
        wait_for(sessions.exists, "the new session file")
        self.visit(10)
        wait_for(lambda: len(whole_lines(sessions.read_bytes())) >= 10, "sessions in the new file")
        wait_for(lambda: self.stderr_events("log_works_again"), "to be told that it can be written again")
        self.check_ends_in_time()
        self.assertEqual([str(sessions)], [event["path"] for event in self.stderr_events("log_works_again")])
        written = len(whole_lines(full.read_bytes())) + len(whole_lines(sessions.read_bytes()))
        events = whole_lines((self.folder / "log.1").read_bytes()) + whole_lines(log.read_bytes())
        lost = [event["total"] for event in events if event["event"] == "session_lines_lost"]
        self.assertEqual(1010, written + lost[-1])


class NobodyReads(LogTest):
    def test_a_fifo_as_the_log(self):
        path = self.fifo()
        self.start(f"file = {path}\n", mute=True)
        self.check_more_lines_than_are_kept()
        self.check_ends_in_time()

    def test_a_fifo_as_the_log_whose_reader_comes_late_is_told_what_is_missing(self):
        path = self.fifo()
        self.start(f"file = {path}\n", mute=True)
        self.visit(2 * LINES_QUEUED + 2000)  # one queue waits, another is half written, and a pipe holds some hundred
        self.check_serves()  # those before it have been
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        lost = self.read_until(reader, "log_lines_lost")
        self.assertGreater(lost["n"], 0)
        self.check_ends_in_time()

    def test_a_fifo_whose_reader_goes_and_comes_back(self):
        path = self.fifo()
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.start(f"session_file = {path}\n")
        self.visit(1)
        self.read_until(reader, "session")
        os.close(reader)
        self.visit(100)
        self.check_serves()
        self.daemon.wait_for_events("session_lines_lost")
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.visit(1)
        self.read_until(reader, "session")
        self.check_ends_in_time()

    def test_a_fifo_as_the_session_file_costs_no_other_line(self):
        path = self.fifo()
        self.start(f"session_file = {path}\n")
        def lost():
            self.visit(2000)
            return self.daemon.counters()["log_lost"] > 0
        wait_for(lost, "more lines than are kept")
        self.check_more_lines_than_are_kept()
        self.check_ends_in_time()
        self.assertTrue(self.daemon.events("stopped"))
        self.assertEqual("session_lines_lost", self.daemon.events()[-1]["event"])

    def test_stderr_is_a_pipe(self):
        reader, writer = self.pipe()
        self.start(stderr=writer, mute=True)
        self.check_more_lines_than_are_kept()
        self.assertFalse(fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK, "others write there as well")
        self.check_ends_in_time()

    def test_stderr_is_a_socket(self):
        """As under systemd."""
        reader, writer = socket.socketpair()
        with reader, writer:
            self.start(stderr=writer.fileno(), mute=True)
            self.check_more_lines_than_are_kept()
            self.check_ends_in_time()

    def test_stdout_is_a_pipe_and_transcripts_are_printed(self):
        reader, writer = self.pipe()
        self.start(on_message="said {text}", stdout=writer)
        line = b"x" * 999 + b"\n"
        before = None
        for _ in range(4):
            # More than one queue holds each time: 8 MB.
            with connect(self.socket) as client:
                for _ in range(80):
                    client.sendall(line * 100)
                    client.recv(len(line) * 100, socket.MSG_WAITALL)
            before = before or self.daemon.counters()["heap_in_use"]
        self.check_serves()
        self.assertLess(self.daemon.counters()["heap_in_use"] - before, QUEUE_MEMORY)
        self.assertGreater(self.daemon.counters()["transcript_lost"], 0)
        self.check_ends_in_time()
        told = self.daemon.events("transcript_lines_lost")
        self.assertGreater(told[-1]["total"], 20000)


    def test_stderr_is_a_terminal(self):
        window, terminal = pty.openpty()
        with open(window, "rb"), open(terminal, "wb"):
            self.start(stderr=terminal, mute=True)
            self.visit(1000)
            self.check_serves()
            self.check_ends_in_time()

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to give it up")
    def test_stderr_is_a_terminal_that_cannot_be_opened_anew(self):
        """Nothing keeps a write from waiting then."""
        window, terminal = pty.openpty()
        with open(window, "rb"), open(terminal, "wb"):
            os.fchmod(terminal, 0o600)
            self.folder.chmod(0o777)
            directory = self.folder / "daemon"
            (directory / "run").mkdir(parents=True)
            for folder in (directory, directory / "run"):
                folder.chmod(0o777)
            # TSan would tell of the thread that is left behind, on this very terminal.
            options = os.environ.get("TSAN_OPTIONS", "") + ":report_thread_leaks=0"
            self.start(stderr=terminal, mute=True, directory=directory, preexec=become_nobody,
                       environment={"TSAN_OPTIONS": options})
            self.visit(1000)
            self.check_serves()
            self.check_ends_in_time()


class StandardDescriptors(LogTest):
    """As log files, by name: a container's way to divide the sessions from the events."""
    NAMES = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")

    def told(self, stream, count):
        """The sessions that come out of it, once there are as many."""
        data = b""
        while data.count(b"\n") < count:
            data += stream.recv(65536) if isinstance(stream, socket.socket) else os.read(stream, 65536)
        return [event for event in whole_lines(data) if event["event"] == "session"]

    def test_a_socket(self):
        for name in self.NAMES:
            ours, theirs = socket.socketpair()
            with ours, theirs, Daemon(self.config(f"session_file = {name}\n"), stdout=theirs.fileno()) as self.daemon:
                self.check_serves()
                self.assertEqual(1, len(self.told(ours, 1)))

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to give it up")
    def test_a_pipe_of_another_user(self):
        reader, writer = self.pipe()
        self.folder.chmod(0o777)
        directory = self.folder / "daemon"
        (directory / "run").mkdir(parents=True)
        for folder in (directory, directory / "run"):
            folder.chmod(0o777)
        self.start("session_file = /dev/stdout\n", stdout=writer, directory=directory, preexec=become_nobody)
        self.check_serves()
        self.assertEqual(1, len(self.told(reader, 1)))

    def test_a_file_that_transcripts_are_printed_to(self):
        out = self.folder / "out"
        with open(out, "wb") as file:
            self.start("session_file = /dev/stdout\n", on_message="said {text}", stdout=file.fileno())
        for _ in range(20):
            self.check_serves()
        self.daemon.wait_for_counters(lambda now: now["peer_closed"] == 20, "all to have ended")
        self.check_ends_in_time()
        lines = out.read_bytes().splitlines()
        self.assertEqual(20, lines.count(b"said hello"))
        self.assertEqual(20, len(whole_lines(out.read_bytes())))
        self.assertEqual(40, len(lines))

    def test_stderr_as_the_log(self):
        out = self.folder / "out"
        out.write_text("before\n")
        with open(out, "ab") as file:
            self.start("file = /dev/stderr\n", stderr=file.fileno(), log_file=out)
        self.assertTrue(out.read_text().startswith("before\n{"))

    def test_checks_know_them(self):
        config = self.folder / "checked.conf"
        config.write_text(self.config("file = /dev/stderr\nsession_file = /dev/stdout\n"))
        for option in ("-t", "--doctor"):
            ours, theirs = socket.socketpair()
            with ours, theirs:
                done = subprocess.run([binary(), option, "-c", str(config)], stdin=subprocess.DEVNULL,
                                      stdout=theirs.fileno(), stderr=theirs.fileno())
            self.assertEqual(0, done.returncode)


class Closed(LogTest):
    """A descriptor that is closed must not become a client's: what is printed would be sent there."""

    def open_files(self):
        return [os.readlink(f"/proc/{self.daemon.pid}/fd/{number}") for number in range(3)]

    def test_stderr(self):
        self.start(mute=True, preexec=lambda: os.close(2))
        self.assertEqual("/dev/full", self.open_files()[2])
        self.visit(100)
        self.check_serves()
        self.check_ends_in_time()

    def test_all_three_with_transcripts(self):
        log = self.folder / "log"
        self.start(f"file = {log}\n", on_message="said {text}", log_file=log, preexec=lambda: os.closerange(0, 3))
        self.assertEqual(["/dev/null", "/dev/full", "/dev/full"], self.open_files())
        self.check_serves()
        self.daemon.wait_for_events("transcript_lines_lost")
        self.assertEqual(1, self.daemon.counters()["transcript_lost"])
        self.check_ends_in_time()


class Sessions(LogTest):
    def test_health_checks_can_be_left_out(self):
        self.start("empty_sessions = no\n")
        for _ in range(20):
            connect(self.socket).close()
        address = self.daemon.addresses()[1]
        for _ in range(5):
            client = connect(address)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        self.check_serves()
        counters = self.daemon.wait_for_counters(lambda now: now["accepted"] == 26 and now["open"] == 0, "all to have left")
        self.assertEqual(["peer_closed"], [session["reason"] for session in self.daemon.sessions(1)])
        self.assertEqual(25, counters["eof_before_data"] + counters.get("reset", 0), "they are counted")

    def test_they_are_numbered_in_the_order_of_accepting(self):
        self.start()
        for number in range(1, 11):
            self.check_serves()
            # Two threads write the lines of their sessions, so the next one waits for this line.
            self.assertEqual(number, self.daemon.sessions(number)[-1]["id"])

    def test_debug_tells_of_those_that_have_not_ended(self):
        self.start("level = debug\n")
        with connect(self.daemon.addresses()[1]) as client:
            begun, = self.daemon.wait_for_events("session_begun")
            self.assertEqual("%s:%d" % client.getsockname(), begun["peer"])
            self.assertEqual([], self.daemon.events("session_decided"))
            client.sendall(b"hello\n")
            decided, = self.daemon.wait_for_events("session_decided")
            self.assertEqual((begun["id"], "text", "debug"), (decided["id"], decided["protocol"], decided["level"]))


class Repeats(LogTest):
    def test_those_refused_over_and_over_are_counted_and_told_in_one_line(self):
        self.start("repeats = 5\n[access]\ndeny = 127.0.0.0/8\n")
        address = self.daemon.addresses()[1]
        for _ in range(100):
            with contextlib.suppress(ConnectionResetError), connect(address) as client:
                receive_until_end(client)
        self.daemon.wait_for_counters(lambda now: now.get("denied") == 100, "all to have been refused")
        self.check_serves()
        self.check_ends_in_time()
        reasons = [session["reason"] for session in self.daemon.sessions()]
        written = reasons.count("denied")
        told = self.daemon.events("suppressed")
        self.assertEqual({("session", "denied")}, {(event["what"], event["reason"]) for event in told})
        self.assertEqual(100, written + sum(event["n"] for event in told))
        # As many windows as the test took.
        self.assertLessEqual(written, 5 * (1 + len(told)))
        self.assertEqual(["peer_closed"], [reason for reason in reasons if reason != "denied"])


if __name__ == "__main__":
    main()
