"""`-t`, `-T` and `--doctor` beside the daemon that they are for: they find what a start would, and nobody notices them."""
import pathlib
import re
import resource
import signal
import socket
import subprocess
import tempfile
import unittest

from support.daemon import Daemon, binary
from support.injection import skip_without_strace, traced
from support.peers import exchange
from support.runner import main, release_only
from support.waiting import DEADLINE

CHECKS = ("-t", "-T", "--doctor")
ECHO = "service = echo\n[service.echo]\ntype = echo\nboundary = line\n"


class Checks(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-checks-")))
        self.config = self.folder / "fairleadd.conf"

    def write(self, bind, more=""):
        self.config.write_text(f"[listener.main]\nbind = {bind}\n{ECHO}{more}", encoding="utf-8")

    def run_check(self, option, before=()):
        return subprocess.run([*before, binary(), option, "-c", self.config], capture_output=True, text=True,
                              timeout=DEADLINE, stdin=subprocess.DEVNULL)

    def warnings(self, option):
        """What it warns of, and is content with otherwise."""
        done = self.run_check(option)
        self.assertEqual(0, done.returncode, done)
        lines = (done.stdout if option == "--doctor" else done.stderr).splitlines()
        return [line for line in lines if re.match("warn |fairleadd: warning: ", line)]

    def test_an_address_of_the_daemon_that_runs_is_a_warning(self):
        for accept in ("shared", "reuseport"):
            path = self.folder / accept
            with Daemon(f"[server]\naccept = {accept}\n[listener.main]\nbind = 127.0.0.1:0, unix:{path}\n{ECHO}") as daemon:
                address = "%s:%d" % daemon.address()
                self.write(f"{address}, unix:{path}", f"[server]\naccept = {accept}\nthreads = 2\n")
                for option in CHECKS:
                    with self.subTest(accept=accept, option=option):
                        listeners = [line for line in self.warnings(option) if "is in use" in line]
                        self.assertEqual(2, len(listeners), listeners)
                        for each, line in zip((address, f"unix:{path}"), listeners):
                            self.assertRegex(line, f"{re.escape(each)} is in use: right if this daemon is running")
                for at in (daemon.address(), str(path)):
                    self.assertEqual(b"still\n", exchange(at, b"still\n"))
                self.assertEqual(2, len(daemon.sessions(2)), "nobody but us has connected")

    def test_they_listen_at_nothing_and_create_and_remove_nothing(self):
        skip_without_strace()
        output = self.folder / "strace"
        left_behind = self.folder / "left"
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(left_behind))
        self.write(f"127.0.0.1:0, unix:{left_behind}, unix:{self.folder}/new",
                   f"[server]\naccept = reuseport\nrun_dir = {self.folder}\n"
                   f"[log]\nfile = {self.folder}/log\nsession_file = {self.folder}/sessions\n")
        before = set(self.folder.iterdir()) | {output}
        for option in CHECKS:
            with self.subTest(option=option):
                done = subprocess.run(["strace", "-f", "-qq", "-o", output, "-e",
                                       "trace=listen,setsockopt,unlink,unlinkat,rename,mkdir,mknod,openat,creat",
                                       binary(), option, "-c", self.config],
                                      capture_output=True, text=True, timeout=DEADLINE, env=traced())
                self.assertEqual(0, done.returncode, done)
                # TSan removes a file of its own.
                calls = "".join(line for line in output.read_text().splitlines(True) if "/tsan." not in line)
                self.assertIn("SO_REUSEADDR", calls, "strace has seen it")
                self.assertNotRegex(calls, r"listen\(|SO_REUSEPORT|unlink|rename|mkdir|mknod|creat\(|O_CREAT")
                self.assertEqual(before, set(self.folder.iterdir()))

    def test_descriptors_that_are_too_few(self):
        """A warning of a check, since a shell's limit need not be the service's; a start warns, too."""
        def limit(descriptors):
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        for more, event in (("[limits]\nmax_connections = 1000\n", "max_connections exceeds the descriptors"),
                            ("", "few_descriptors")):
            self.write("127.0.0.1:0", more)
            done = subprocess.run([binary(), "-t", "-c", str(self.config)], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=DEADLINE, preexec_fn=lambda: limit(200))
            self.assertEqual(0, done.returncode, done)
            self.assertIn("fairleadd: warning: descriptors: RLIMIT_NOFILE 200", done.stderr)
            with Daemon(self.config.read_text(), preexec=lambda: limit(200)) as daemon:
                warning, = daemon.events(event)
                self.assertEqual(("warn", 72), (warning["level"], warning["possible"]))

    def test_an_address_twice_through_its_name_is_a_mistake_of_the_configuration(self):
        for accept in ("shared", "reuseport"):
            for bind in ("localhost:7000, 127.0.0.1:7000", "127.0.0.1:7000, localhost:7000"):
                path = self.write(bind, f"[server]\naccept = {accept}\n")
                for option in ((), ("-t",), ("-T",), ("--doctor",)):
                    done = subprocess.run([binary(), *option, "-c", str(self.config)], capture_output=True, text=True,
                                          stdin=subprocess.DEVNULL, timeout=DEADLINE)
                    self.assertEqual((6, ""), (done.returncode, done.stdout), done.stderr)
                    self.assertRegex(done.stderr, r"already bound by listener\.main, at (localhost|127\.0\.0\.1):7000")

    def test_what_a_start_would_not_survive_is_bad(self):
        folder = self.folder / "none"
        (self.folder / "file").write_text("")
        for bind, more, status, pattern in (
                ("192.0.2.123:0", "", 1, "no interface of this machine"),
                (f"unix:{folder}/socket", "", 1, "create its folder"),
                ("127.0.0.1:0", f"[log]\nfile = {folder}/log\n", 1, "create the folder"),
                ("127.0.0.1:0", f"[server]\nrun_dir = {folder}\n", 1, "create the folder"),
                ("127.0.0.1:0, :7878, [::1]:7878", "", 6, "already bound by this listener, at :7878")):
            self.write(bind, more)
            for option in CHECKS:
                with self.subTest(bind=bind, more=more, option=option):
                    done = self.run_check(option)
                    self.assertEqual(status, done.returncode, done)
                    self.assertIn(pattern, done.stderr + done.stdout)

    @release_only  # a sanitizer makes calls of its own
    def test_files_that_cannot_be_served_safely(self):
        skip_without_strace()
        self.write("127.0.0.1:0", f"[listener.files]\nbind = 127.0.0.1:0\nservice = files\n"
                                  f"[service.files]\ntype = file\nroot = {self.folder}\n")
        for error, pattern in (("ENOSYS", "no openat2"), ("EPERM", "permit the call")):
            injected = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject=openat2:error={error}")
            for option in (*CHECKS, "--set=log.level=info"):  # the last one is a start
                with self.subTest(error=error, option=option):
                    done = self.run_check(option, injected)
                    self.assertEqual(1, done.returncode, done)
                    self.assertIn(pattern, done.stderr + done.stdout)


    def test_a_root_that_is_missing_is_a_warning_as_it_is_for_a_start(self):
        self.write("127.0.0.1:0", f"[service.files]\ntype = file\nroot = {self.folder}/none\n")
        for option in CHECKS:
            with self.subTest(option=option):
                self.assertEqual(1, len([line for line in self.warnings(option) if "service files" in line]))


class Inherited(unittest.TestCase):
    """What the daemon's parent has left behind, or a signal that comes too early."""

    CONFIG = f"[listener.main]\nbind = 127.0.0.1:0\n{ECHO}"

    def test_a_mask_of_signals(self):
        blocked = {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1}
        with Daemon(self.CONFIG, preexec=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, blocked)) as daemon:
            self.assertEqual(0, daemon.counters()["open"])
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(0, daemon.wait())

    def test_a_mask_of_signals_of_the_client(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = "127.0.0.1:%d" % silent.getsockname()[1]
            blocked = {signal.SIGTERM, signal.SIGINT}
            client = subprocess.Popen([binary("fairlead"), "term", address], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL,
                                      preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, blocked))
            with client:
                silent.accept()[0].close()
                client.terminate()
                self.assertNotEqual(None, client.wait(DEADLINE))

    def test_a_rotation_or_a_hang_up_at_the_first_moment(self):
        """They wait already when the program begins, and would end it as soon as it takes signals."""
        def early():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP})
            for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
                signal.raise_signal(number)
        with Daemon(self.CONFIG, preexec=early) as daemon:
            self.assertEqual(b"served\n", exchange(daemon.address(), b"served\n"))


class Successors(unittest.TestCase):
    def test_the_unix_socket_of_a_successor_stays(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-checks-"))
        path = pathlib.Path(folder) / "socket"
        config = f"[listener.main]\nbind = unix:{path}\n{ECHO}"
        with Daemon(config) as old:
            path.unlink()
            with Daemon(config):
                old.send_signal(signal.SIGTERM)
                self.assertEqual(0, old.wait())
                self.assertEqual(b"served\n", exchange(str(path), b"served\n"))
            self.assertFalse(path.exists(), "its own is removed")


if __name__ == "__main__":
    main()
