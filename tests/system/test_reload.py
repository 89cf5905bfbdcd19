"""HUP: the configuration is read again, and in force as a whole or not at all; nobody is cut off."""
import contextlib
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import unittest

from support.daemon import Daemon, binary, connect
from support.peers import receive_exactly, receive_until_end
from support.runner import main
from support.waiting import DEADLINE, wait_for

BASE = """
[listener.main]
bind = 127.0.0.1:0
protocol = text
service = main
[service.main]
type = reply
boundary = line
text = old
"""


def port_of_every_address():
    """Free everywhere, and none that the kernel gives to clients: it may give those of one address to a client of another."""
    chance = random.Random()
    while True:
        port = chance.randrange(20000, 30000)
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            return port


class Check(unittest.TestCase):
    """--reload-check, without a daemon."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fairlead-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "old").write_text(BASE)

    def check(self, text):
        (self.folder / "new").write_text(text)
        return subprocess.run([binary(), "-c", self.folder / "old", "--reload-check", self.folder / "new"],
                              capture_output=True, text=True, timeout=DEADLINE)

    def test_the_lists(self):
        done = self.check(BASE.replace("old", "new") + "[timeouts]\nidle = 1m\n[server]\nthreads = 9\n")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertRegex(done.stdout, "(?s)^in force for everybody at once:\n  timeouts.idle: 10m -> 1m\n"
                                      "in force for new connections:\n  service.main.text: old -> new\n"
                                      "waiting for a restart:\n  server.threads: auto -> 9\nunchanged: \\d+\n$")

    def test_a_mistake(self):
        done = self.check(BASE + "[timeouts]\nidel = 1m\n")
        self.assertEqual((6, ""), (done.returncode, done.stdout))
        self.assertIn("timeouts.idel", done.stderr)

    def test_what_fits_a_start_but_not_what_runs(self):
        done = self.check(BASE.replace("127.0.0.1:0", "127.0.0.1:7001, :7001") + "[server]\naccept = reuseport\n")
        self.assertEqual(6, done.returncode)
        self.assertIn("already bound", done.stderr)


class Reload(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def start(self, config=BASE, **options):
        return self.stack.enter_context(Daemon(config, **options))

    def reload(self, daemon, config):
        """The answer: the event, and those before it that belong to it."""
        (daemon.directory / "test.conf").write_text(config, encoding="utf-8")
        seen = len(daemon.events())
        answers = len(self.answers(daemon))
        daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: len(self.answers(daemon)) > answers, "an answer to HUP")
        events = daemon.events()[seen:]
        return self.answers(daemon)[-1], events

    @staticmethod
    def answers(daemon):
        return [event for event in daemon.events() if event["event"] in ("reloaded", "reload_refused")]

    def replies(self, client, text=b"x\n", reply=b"old\n"):
        client.sendall(text)
        self.assertEqual(reply, receive_exactly(client, len(reply)))

    # ---- What is told

    def test_the_four_lists(self):
        daemon = self.start()
        answer, events = self.reload(daemon, BASE.replace("old", "new") + "[timeouts]\nidle = 1m\n[log]\nrepeats = 3\n")
        self.assertEqual(("reloaded", 1, 1, 1),
                         tuple(answer[name] for name in ("event", "at_once", "new_connections", "restart")))
        self.assertGreater(answer["unchanged"], 40)
        changes = {event["key"]: (event["before"], event["after"], event["in_force"])
                   for event in events if event["event"] == "setting_changed"}
        self.assertEqual({"timeouts.idle": ("10m", "1m", "at_once"),
                          "service.main.text": ("old", "new", "new_connections")}, changes)
        waiting = [event for event in events if event["event"] == "restart_needed"]
        self.assertEqual([("log.repeats", "10", "3", "warn")],
                         [(event["key"], event["running"], event["file"], event["level"]) for event in waiting])

    def test_what_waits_for_a_restart_is_told_each_time(self):
        daemon = self.start()
        for _ in range(2):
            answer, _ = self.reload(daemon, BASE + "[socket]\nbacklog = 7\n")
            self.assertEqual((0, 1), (answer["at_once"], answer["restart"]))

    def test_nothing_changed(self):
        daemon = self.start()
        answer, _ = self.reload(daemon, BASE)
        self.assertEqual((0, 0, 0), (answer["at_once"], answer["new_connections"], answer["restart"]))

    def test_it_is_answered_whatever_the_level(self):
        daemon = self.start(BASE + "[server]\nname = quiet\n", log_file=None)
        self.reload(daemon, BASE + "[log]\nlevel = off\n")
        answer, _ = self.reload(daemon, BASE + "[log]\nlevel = off\n[timeouts]\nidle = 2m\n")
        self.assertEqual(1, answer["at_once"])
        answer, events = self.reload(daemon, BASE + "[log]\nlevel = off\n[timeouts]\nidel = 2m\n")
        self.assertEqual("reload_refused", answer["event"])
        self.assertIn("reload_error", [event["event"] for event in events])

    # ---- All or nothing

    def test_every_mistake_is_told_and_nothing_changes(self):
        daemon = self.start()
        client = self.stack.enter_context(daemon.connect())
        answer, events = self.reload(daemon, BASE.replace("old", "new") + "[timeouts]\nidel = 1m\nwrite = soon\n")
        self.assertEqual(("reload_refused", 2), (answer["event"], answer["errors"]))
        errors = [event["what"] for event in events if event["event"] == "reload_error"]
        self.assertRegex(errors[0], r"test\.conf:\d+: timeouts\.idel: .*did you mean")
        self.assertRegex(errors[1], r"timeouts\.write")
        self.replies(client)
        with daemon.connect() as another:
            self.replies(another)

    def test_an_address_that_cannot_be_had(self):
        daemon = self.start()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            answer, events = self.reload(
                daemon, BASE.replace("old", "new") +
                f"[listener.two]\nbind = 127.0.0.1:0, 127.0.0.1:{port}\nservice = main\n[log]\nfile = {daemon.directory}/log\n")
        self.assertEqual("reload_refused", answer["event"])
        self.assertIn(f"127.0.0.1:{port}", next(event["what"] for event in events if event["event"] == "reload_error"))
        with daemon.connect() as client:
            self.replies(client)

    def test_a_log_file_that_cannot_be_opened(self):
        daemon = self.start()
        answer, _ = self.reload(daemon, BASE.replace("old", "new") + "[log]\nfile = /nonexistent/log\n")
        self.assertEqual("reload_refused", answer["event"])
        with daemon.connect() as client:
            self.replies(client)

    def test_a_file_that_is_missing(self):
        daemon = self.start()
        (daemon.directory / "test.conf").unlink()
        daemon.send_signal(signal.SIGHUP)
        self.assertEqual(1, daemon.wait_for_events("reload_refused")[0]["errors"])
        with daemon.connect() as client:
            self.replies(client)

    # ---- Connections

    def test_a_connection_keeps_what_it_has_begun_with(self):
        daemon = self.start()
        with daemon.connect() as before:
            self.replies(before)
            self.reload(daemon, BASE.replace("old", "new"))
            self.replies(before)
            with daemon.connect() as after:
                self.replies(after, reply=b"new\n")

    def test_time_outs_hold_for_those_who_are_connected(self):
        daemon = self.start()
        with daemon.connect() as client:
            self.replies(client)
            self.reload(daemon, BASE + "[timeouts]\nidle = 200ms\n")
            self.assertEqual(b"", receive_until_end(client))
        self.assertEqual("idle_timeout", daemon.sessions(1)[0]["reason"])

    # ---- Listeners

    def test_a_listener_comes_and_goes(self):
        daemon = self.start()
        two = "[listener.two]\nbind = 127.0.0.1:0, unix:{0}/socket\nprotocol = text\nservice = main\n".format(daemon.directory)
        self.reload(daemon, BASE + two)
        address, path = daemon.addresses("two")
        client = self.stack.enter_context(connect(address))
        self.replies(client)
        with connect(path) as local:
            self.replies(local)
        ports = (daemon.directory / "run" / "ports").read_text()
        self.assertIn("two unix:", ports)
        self.reload(daemon, BASE)
        daemon.wait_for_events("listener_closed", 2)
        with self.assertRaises(ConnectionRefusedError):
            connect(address)
        self.assertFalse(pathlib.Path(path).exists())
        self.replies(client)
        self.assertNotIn("two", (daemon.directory / "run" / "ports").read_text())
        self.reload(daemon, BASE + two)
        with connect(path) as local:
            self.replies(local)

    def test_an_address_moves_between_listeners(self):
        port = port_of_every_address()
        one = BASE.replace("127.0.0.1:0", f"127.0.0.1:{port}")
        daemon = self.start(one)
        other = one.replace("[listener.main]", "[listener.other]")
        answer, _ = self.reload(daemon, other)
        self.assertEqual("reloaded", answer["event"])
        with connect(("127.0.0.1", port)) as client:
            self.replies(client)
        self.assertEqual("other", daemon.sessions(1)[0]["listener"])
        self.assertEqual([], daemon.events("listener_closed"), "the socket stays")

    def test_from_one_address_to_all_of_the_machine(self):
        port = port_of_every_address()
        narrow = BASE.replace("127.0.0.1:0", f"127.0.0.1:{port}")
        daemon = self.start(narrow)
        for config in (narrow.replace("127.0.0.1:", "0.0.0.0:"), narrow, narrow.replace("127.0.0.1:", ":"), narrow):
            answer, events = self.reload(daemon, config)
            self.assertEqual("reloaded", answer["event"], events)
            with connect(("127.0.0.1", port)) as client:
                self.replies(client)
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with self.assertRaises(OSError):
                thief.bind(("127.0.0.1", port))

    # ---- Others

    def test_logs_move(self):
        daemon = self.start()
        log = daemon.directory / "moved"
        sessions = daemon.directory / "sessions"
        (daemon.directory / "test.conf").write_text(BASE + f"[log]\nfile = {log}\nsession_file = {sessions}\n")
        daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: log.exists() and "reloaded" in log.read_text(), "the answer in the new file")
        with daemon.connect() as client:
            self.replies(client)
        wait_for(lambda: sessions.exists() and '"reason":"peer_closed"' in sessions.read_text(), "a session line")
        (daemon.directory / "test.conf").write_text(BASE)
        daemon.send_signal(signal.SIGHUP)
        daemon.wait_for_events("reloaded", 1)
        with daemon.connect() as client:
            self.replies(client)
        daemon.sessions(1)

    def test_files_are_served_from_now_on(self):
        daemon = self.start()
        (daemon.directory / "served").mkdir()
        (daemon.directory / "served" / "name").write_bytes(b"content")
        self.reload(daemon, BASE.replace("type = reply", "type = file").replace("text = old", f"root = {daemon.directory}/served"))
        with daemon.connect() as client:
            client.sendall(b"name\n")
            self.assertEqual(b"content", receive_until_end(client))

    def test_a_stop_behind_it(self):
        daemon = self.start()
        for _ in range(20):
            daemon.send_signal(signal.SIGHUP)
        self.assertEqual(0, daemon.stop())

    def test_many_at_once_are_answered_by_the_newest_file(self):
        daemon = self.start()
        (daemon.directory / "test.conf").write_text(BASE.replace("old", "new"))
        for _ in range(50):
            daemon.send_signal(signal.SIGHUP)
        daemon.wait_for_events("reloaded")
        with daemon.connect() as client:
            self.replies(client, reply=b"new\n")

    def test_descriptors_and_memory_stay(self):
        daemon = self.start()
        variant = BASE.replace("old", "new") + (
            f"[listener.two]\nbind = 127.0.0.1:0, unix:{daemon.directory}/socket\nservice = main\n"
            f"[service.files]\ntype = file\nroot = {daemon.directory}\n")
        for config in (variant, BASE):
            self.reload(daemon, config)
        before = daemon.descriptors_at_rest()
        for config in (variant, BASE) * 5:
            self.reload(daemon, config)
        daemon.wait_for_descriptors(before)


if __name__ == "__main__":
    main()
