"""fairlead get: what its options promise, seen from the server and from the folder."""
import ctypes
import json
import signal
import socket
import struct
import threading
import unittest

from support.client import PlainServer
from support.daemon import Daemon, socket_address
from support.file_server import BEGIN, GET, OPENED, FileServer, Pausing
from support.getting import CONFIG, MIB, GettingTest, sha256, some_bytes
from support.peers import ERROR, receive_until_end
from support.relay import CUT, DROP, RESET, Fault, Relay
from support.runner import main
from support.screen import HAVE_TMUX, Screen
from support.waiting import DEADLINE, wait_for

UNKNOWN_SERVICE = 23
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


class Meeting(FileServer):
    """Sends no more than a beginning before `wanted` downloads are under way at once; `most` is how many there have been."""
    BEGINNING = MIB

    def __init__(self, files, wanted):
        super().__init__(files)
        self.wanted, self.most, self._now, self._lock = wanted, 0, 0, threading.Lock()

    def send_data(self, reply, name, part):
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        super().send_data(reply, name, part[:self.BEGINNING])
        wait_for(lambda: self.most >= self.wanted, f"{self.wanted} downloads at once")
        super().send_data(reply, name, part[self.BEGINNING:])
        with self._lock:
            self._now -= 1


class AtOnce(GettingTest):
    def check(self, files, wanted, *arguments):
        server = self.enterContext(Meeting({name.encode(): content for name, content in files.items()}, wanted))
        self.assert_fetched(self.get("-q", "--if-exists", "overwrite", *arguments, server.address, *files), files)
        self.assertEqual(wanted, server.most)

    def test_jobs(self):
        files = {f"f{number}": some_bytes(200_000, number) for number in range(20)}
        self.check(files, 1, "-j", "1")
        self.check(files, 4)
        self.check(files, 16, "-j", "16")

    def test_split(self):
        files = {"file": bytes(65 * MIB)}  # what a connection asks for at once is up to 32 MiB
        self.check(files, 1)
        self.check(files, 2, "--split", "2")


class IfExists(GettingTest):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(FileServer({b"file": b"theirs", b"new": b"new"}))
        (self.target / "file").write_bytes(b"mine")

    def fetch(self, *arguments):
        return self.get(*arguments, self.server.address, "file")

    def test_fail(self):
        for arguments in ["--if-exists", "fail"], []:
            self.assert_failed(self.fetch(*arguments), 23)
        self.assert_stored({"file": b"mine"})
        self.assertEqual(0, self.server.count(GET), "nothing was fetched for it")

    def test_skip(self):
        self.assert_fetched(self.get("--if-exists", "skip", self.server.address, "file", "new"), {"file": b"mine", "new": b"new"})
        self.assertEqual([(GET, b"new")], [asked for asked in self.server.asked if asked[0] == GET])

    def test_rename(self):
        self.assert_fetched(self.fetch("--if-exists", "rename"), {"file": b"mine", "file.1": b"theirs"})
        self.assert_fetched(self.fetch("--if-exists", "rename"), {"file": b"mine", "file.1": b"theirs", "file.2": b"theirs"})

    def test_overwrite(self):
        self.assert_fetched(self.fetch("--if-exists", "overwrite"), {"file": b"theirs"})

    def test_a_directory_is_never_overwritten(self):
        (self.target / "new").mkdir()
        self.assert_failed(self.get("--if-exists", "overwrite", self.server.address, "new"), 23)
        self.assertTrue((self.target / "new").is_dir())
        self.assertEqual(0, self.server.count(GET), "nothing was fetched for it")

    def test_two_of_the_same_name(self):
        self.server.files[b"sub/new"] = b"newer"
        self.assert_failed(self.get(self.server.address, "new", "sub/new"), 2)
        self.assert_stored({"file": b"mine"})


class Where(GettingTest):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(FileServer({b"file": b"theirs"}))

    def test_a_directory_that_is_not_there(self):
        self.assert_failed(self.get("-O", "missing", self.server.address, "file"), 23)
        self.assert_failed(self.get("-o", "missing/file", self.server.address, "file"), 23)
        self.assert_stored({})

    def test_a_directory_that_may_not_be_written(self):
        self.target.chmod(0o555)
        # Not even root may then: without this right it is one user among others.
        result = self.get(self.server.address, "file", preexec_fn=lambda: ctypes.CDLL(None).prctl(
            PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0))
        self.target.chmod(0o755)
        self.assert_failed(result, 23)
        self.assert_stored({})

    def test_two_at_once(self):
        content = some_bytes(3 * MIB)
        server = self.enterContext(Pausing({b"file": content}))
        first = self.start("-q", server.address, "file")
        wait_for(lambda: (self.target / "file.part").exists(), "the first to have begun")
        self.assert_failed(self.get(server.address, "file"), 23)
        self.assertIsNone(first.poll())
        server.go_on.set()
        self.assert_fetched(self.finish(first), {"file": content})


class Lost(GettingTest):
    def test_retry_counts_the_tries_without_progress(self):
        class Ending(FileServer):
            def send_data(self, *_):
                raise ConnectionError
        for retries in 0, 2:
            with Ending({b"file": some_bytes(1000)}) as server:
                result = self.get("--retry", str(retries), server.address, "file")
                self.assertEqual(18, result.code, result.err)
                self.assertEqual(1 + retries, server.connections)
                self.assertEqual(1, result.err.count("fairlead: ") - retries, result.err)

    def test_lost_to_one_and_no_service_to_another(self):
        """Both end, whichever comes first."""
        lost = threading.Event()

        class Half(FileServer):
            def on_open(self, reply):
                with lock:
                    first = owner.setdefault("thread", threading.get_ident()) == threading.get_ident()
                if first:
                    return reply(OPENED)
                lost.wait(DEADLINE)
                reply(ERROR, struct.pack(">I", UNKNOWN_SERVICE))

            def send_data(self, *_):
                raise ConnectionError
        lock, owner = threading.Lock(), {}
        server = self.enterContext(Half({b"a": some_bytes(1000), b"b": some_bytes(1000)}))
        process = self.start("-q", "-j", "2", "--retry", "0", server.address, "a", "b")
        self.assertIn(b"connection was lost", process.stderr.readline())
        lost.set()
        self.assertEqual(18, self.finish(process).code)

    def test_progress_gives_all_the_tries_back(self):
        content = some_bytes(4 * MIB + 5)

        class Tiring(FileServer):
            def send_data(self, reply, name, part):
                super().send_data(reply, name, part[:MIB + 1000])
                if len(part) > MIB + 1000:
                    raise ConnectionError
        server = self.enterContext(Tiring({b"file": content}))
        self.assert_fetched(self.get("--retry", "1", server.address, "file"), {"file": content})
        self.assertGreater(server.connections, 3)

    def test_lost_before_the_server_has_said_who_it_is(self):
        server = self.enterContext(FileServer({b"file": b"content"}))
        for kind in RESET, CUT:
            for at in 0, 8, 30:
                with self.subTest(kind=kind, at=at), Relay(socket_address(server.address), [[Fault(kind, at)]]) as relay:
                    result = self.get("-q", "--if-exists", "overwrite", relay.address, "file")
                    self.assert_fetched(result, {"file": b"content"})

    def test_silent_before_it_has_said_who_it_is(self):
        server = self.enterContext(FileServer({b"file": b"content"}))
        with Relay(socket_address(server.address), [[Fault(DROP, 30)]]) as relay:
            self.assert_failed(self.get("--connect-timeout", "300ms", relay.address, "file"), 28)

    def test_silence(self):
        class Silent(FileServer):
            def on_get(self, reply, name, *_):
                reply(BEGIN, self.identity_of(name) + bytes(16))

            def on_ping(self, *_):
                pass
        server = self.enterContext(Silent({b"file": some_bytes(1000)}))
        self.assert_failed(self.get("--timeout", "300ms", "--retry", "0", server.address, "file"), 18)

    def test_a_server_that_is_full(self):
        """It lets one download in at a time; the others ask again."""
        files = {name: self.write(name, some_bytes(MIB, name)) for name in ("one", "two", "three")}
        self.serve("max_downloads = 1\nmax_rate = 4000000")
        result = self.get("-j", "3", self.address(), *files)
        self.assert_fetched(result, files)
        self.assertIn("server_full", result.err)

    def test_ctrl_c(self):
        content = some_bytes(6 * MIB)
        server = self.enterContext(Pausing({b"file": content}))
        process = self.start("-q", server.address, "file")
        part = self.target / "file.part"
        wait_for(lambda: part.exists() and part.stat().st_blocks * 512 >= 2 * MIB, "two chunks to be on the disk")
        process.send_signal(signal.SIGINT)
        result = self.finish(process)
        self.assertEqual(130, result.code, result.err)
        self.assertFalse((self.target / "file").exists())
        server.go_on.set()
        server.sent = 0
        self.assert_fetched(self.get(server.address, "file"), {"file": content})
        self.assertLessEqual(server.sent, 5 * MIB)


class Rate(GettingTest):
    RATE = 4 * MIB
    KERNEL_HOLDS = MIB // 4  # what the buffers of a connection between relay and client may take at once

    def test_limit(self):
        for arguments in ["-j", "3"], ["-j", "1", "--split", "3"]:
            with self.subTest(arguments=arguments):
                self.check(*arguments)

    def check(self, *arguments):
        files = {name: some_bytes(3 * MIB // 2, name) for name in ("one", "two", "three")}
        server = self.enterContext(FileServer({name.encode(): content for name, content in files.items()}))
        with Relay(socket_address(server.address), path=str(self.base / "relay")) as relay:
            result = self.get("--limit-rate", "4MiB", "--if-exists", "overwrite", *arguments, relay.address, *files)
        (self.base / "relay").unlink()
        self.assert_fetched(result, files)
        begin, _ = relay.history[0]
        for when, carried in relay.history:
            # A quarter of a second's bytes may come at once.
            self.assertLess(carried, self.RATE * (when - begin + 0.25) + 3 * self.KERNEL_HOLDS)


class LowRate(GettingTest):
    def test_it_is_steady_and_no_slow_reader(self):
        """The daemon resets whoever takes nothing for a second; what it reports every second is not now nothing, now too much."""
        content = self.write("file", some_bytes(240_000))
        daemon = self.enterContext(Daemon(CONFIG.format(root=self.root, more="") + "[timeouts]\nwrite = 1s\n"))
        address = "{}:{}".format(*daemon.address("main"))
        result = self.get("--limit-rate", "40000", "--progress", "json", address, "file")
        self.assert_fetched(result, {"file": content})
        self.assertEqual([], [line for line in result.err.splitlines() if not line.startswith("{")], "it was lost")
        rates = [event["rate"] for event in map(json.loads, result.err.splitlines()) if event["event"] == "progress"][1:]
        self.assertGreaterEqual(len(rates), 3)
        for rate in rates:
            self.assertTrue(20_000 < rate < 80_000, rates)


class LowRateOfAPlainServer(GettingTest):
    RATE, SECONDS = 2000, 4

    def test_it_is_steady_and_no_slow_reader(self):
        """All of the file would fit into one read: the client would be told that it is there, and then read nothing for long."""
        content = some_bytes(self.RATE * self.SECONDS)
        with PlainServer(lambda _, connection: (receive_until_end(connection), connection.sendall(content),
                                                connection.shutdown(socket.SHUT_WR))) as server:
            result = self.get("--protocol", "text", "--limit-rate", str(self.RATE), "--progress", "json", server.address, "file")
        self.assert_fetched(result, {"file": content})
        events = [json.loads(line) for line in result.err.splitlines() if line.startswith("{")]
        here = [event["bytes"] for event in events if event["event"] == "progress"][1:]
        self.assertGreaterEqual(len(here), self.SECONDS - 2)
        for before, after in zip(here, here[1:]):
            self.assertTrue(0 < after - before < 2 * self.RATE, here)


class Progress(GettingTest):
    NAME = "进度 file\n"

    def setUp(self):
        super().setUp()
        self.content = some_bytes(3 * MIB + 2)
        self.server = self.enterContext(FileServer({self.NAME.encode(): self.content, b"small": b"1"}))

    def fetch(self, *arguments):
        result = self.get("--if-exists", "overwrite", *arguments, self.server.address, self.NAME, "small")
        self.assert_fetched(result, {self.NAME: self.content, "small": b"1"})
        return result.err

    def test_none(self):
        for arguments in ["-q"], ["--progress", "none"]:
            self.assertEqual("", self.fetch(*arguments))

    def test_lines(self):
        for arguments in [], ["--progress", "lines"], ["--progress", "auto"]:
            lines = self.fetch(*arguments).splitlines()
            self.assertEqual(1, sum("进度 file\\n" in line for line in lines), lines)
            self.assertEqual(1, sum("small" in line for line in lines), lines)

    def test_json(self):
        events = [json.loads(line) for line in self.fetch("--progress", "json").splitlines()]
        done = {event["name"]: event for event in events if event["event"] == "done"}
        self.assertEqual({self.NAME: len(self.content), "small": 1}, {name: event["size"] for name, event in done.items()})
        for event in events:
            self.assertLessEqual(event["bytes"], event["size"] or 0)

    def test_stdout_carries_data_only(self):
        for progress in "lines", "json", "bars":
            result = self.get("--progress", progress, "-o", "-", self.server.address, self.NAME)
            self.assertEqual((0, sha256(self.content)), (result.code, sha256(result.out)), result.err)

    @unittest.skipUnless(HAVE_TMUX, "no tmux")
    def test_bars(self):
        names = ["第一个很长的文件名.bin", "second"]
        server = self.enterContext(Pausing({name.encode(): self.content for name in names}))
        screen = self.enterContext(Screen("get", "-O", str(self.target), server.address, *names, columns=70))
        for text in *(name[:5] for name in names), "50%", "MiB":
            screen.wait_for_text(text)
        server.go_on.set()
        screen.wait_for_line("exit=0")
        self.assertEqual(1, screen.text().count("second: "), screen.text())
        self.assertNotIn("50%", screen.text())
        self.assert_stored({name: self.content for name in names})


if __name__ == "__main__":
    main()
