"""The command line as a script uses it: exit statuses, stdout for data, one line on stderr for a failure."""
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import tempfile
import unittest

from support.daemon import Daemon, behind_start, binary, socket_address
from support.peers import exchange
from support.runner import main, release_only
from support.waiting import DEADLINE

ECHO = "service = echo\n[service.echo]\ntype = echo\n"
NOBODY = 65534
VERSION = r"\Afairleadd \d+\.\d+\.\d+\nbuild: \w+ [\d.]+, .+\nlibraries: Boost [\d.]+, spdlog [\d.]+, OpenSSL [\d.]+\w?\n\Z"


def run(*arguments, environment=None, preexec=None):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=DEADLINE, preexec_fn=preexec,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})


class CommandLineTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-test-")))

    def config(self, text, name="fairleadd.conf"):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def good(self, more=""):
        return self.config("[listener.main]\nbind = 127.0.0.1:0\n" + ECHO + more)

    def check_fails(self, status, pattern, *arguments, **options):
        """One line that says what, and nothing on stdout."""
        done = run(*arguments, **options)
        self.assertEqual(status, done.returncode, done)
        self.assertEqual("", done.stdout)
        failure = behind_start(done.stderr)
        self.assertEqual(1, failure.count("\n"), done.stderr)
        self.assertRegex(failure, "^fairleadd: .*" + pattern)
        return failure


class Explaining(CommandLineTest):
    def test_help_goes_to_stdout(self):
        for option in ("-h", "--help"):
            done = run(option)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            for word in ("Usage: fairleadd", "--config", "--listen", "--port", "--set", "--test", "--print", "--doctor",
                         "--version", "idle = 10m", "Exit status"):
                self.assertIn(word, done.stdout)

    def test_version(self):
        for option in ("-V", "-v", "--version"):
            done = run(option)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertRegex(done.stdout, VERSION)
            sanitizers = os.environ.get("FAIRLEAD_SANITIZE")
            self.assertEqual(bool(sanitizers), f"sanitizers {sanitizers}" in done.stdout)

    def test_test_says_that_a_configuration_is_valid_and_leaves_nothing_behind(self):
        path = self.folder / "socket"
        done = run("-t", "-c", self.config(f"[listener.main]\nbind = unix:{path}, 127.0.0.1:0\n" + ECHO))
        self.assertEqual((0, ""), (done.returncode, done.stdout))
        self.assertIn("valid", done.stderr)
        self.assertFalse(path.exists())

    def test_print_shows_every_key_with_value_class_and_origin(self):
        self.config("[limits]\nqueue_soft = 100k\n", "conf.d/10.conf")
        path = self.config("[server]\nname = from file\n[listener.main]\nbind = 127.0.0.1:0\n" + ECHO + "include = conf.d/*.conf\n")
        done = run("-T", "-c", path, "--set", "timeouts.idle=5m", environment={"FAIRLEAD_SERVER__NAME": "from environment"})
        self.assertEqual(0, done.returncode, done.stderr)
        def row(section, key):
            current = None
            for line in done.stdout.splitlines():
                if line.startswith("["):
                    current = line.strip("[]")
                elif current == section and re.match(rf"{key}\b", line):
                    return line
            self.fail(f"no {section}.{key} in\n{done.stdout}")
        self.assertRegex(row("server", "name"), r"from environment.*\bN\b.*environment")
        self.assertTrue(done.stdout.startswith("# The class says when a changed value is in force"), done.stdout[:200])
        self.assertRegex(row("limits", "queue_soft"), r"conf\.d/10\.conf:2")
        self.assertRegex(row("timeouts", "idle"), r"5m.*command line")
        self.assertRegex(row("timeouts", "write"), r"30s.*default")
        self.assertRegex(row("listener.main", "bind"), r"fairleadd\.conf:4")

    def test_what_print_shows_can_be_read_again(self):
        first = run("-T", "-c", self.good())
        self.assertEqual(0, first.returncode, first.stderr)
        second = run("-T", "-c", self.config(first.stdout, "again.conf"))
        self.assertEqual(0, second.returncode, second.stderr)


class Overriding(CommandLineTest):
    def start(self, *arguments, config="", **options):
        return Daemon(config, arguments=arguments, **options)

    def test_set_wins_over_the_environment_which_wins_over_the_file(self):
        config = "[listener.main]\nbind = 127.0.0.1:0\nservice = reply\n[service.reply]\ntype = reply\ntext = file\n"
        env = {"FAIRLEAD_SERVICE__REPLY__TEXT": "environment"}
        for arguments, environment, reply in (((), {}, b"file"), ((), env, b"environment"),
                                              (("--set", "service.reply.text=command line"), env, b"command line")):
            with self.start(*arguments, config=config, environment=environment) as daemon:
                self.assertEqual(reply, exchange(daemon.address(), b"?"))

    def test_listen_alone_is_an_echo_service(self):
        """No file at all: the shortest way to try it."""
        process = subprocess.Popen([binary(), "-c", os.devnull, "--listen", "127.0.0.1:0", "--set", "log.format=json",
                                    "--set", f"server.run_dir={self.folder}"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for line in process.stderr:
            if '"ready"' in line:
                break
        name, address = (self.folder / "ports").read_text().split()
        self.assertEqual("main", name)
        self.assertEqual(b"x", exchange(socket_address(address), b"x"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)
        self.assertEqual(0, process.returncode)

    def test_listen_replaces_the_addresses_of_the_listener(self):
        with self.start("--listen", "127.0.0.2:0", "--listen", "[::1]:0",
                        config="[listener.main]\nbind = 127.0.0.1:0\n" + ECHO) as daemon:
            self.assertEqual(["127.0.0.2", "::1"], [host for host, _ in daemon.addresses()])

    def test_port_replaces_that_of_main_or_the_only_listener(self):
        other = "[listener.other]\nbind = 127.0.0.1:0\nservice = echo\n"
        only = "[listener.only]\nbind = 127.0.0.1:1, [::1]:1\n" + ECHO
        with self.start("-p", "0", config=only) as daemon:
            self.assertEqual(2, len(daemon.addresses("only")))
        with self.start("-p", "0", config="[listener.main]\nbind = 127.0.0.1:1\n" + ECHO + other) as daemon:
            self.assertEqual(b"x", exchange(daemon.address(), b"x"))
        two = "[listener.another]\nbind = 127.0.0.1:0\n" + ECHO + other
        self.check_fails(2, "-p: which of the listeners", "-c", self.config(two), "-p", "0")

    def test_the_ports_file_names_every_address(self):
        config = f"[listener.main]\nbind = 127.0.0.1:0, [::1]:0, unix:{self.folder}/socket\n" + ECHO + \
                 "[listener.everywhere]\nbind = :0\nservice = echo\n"
        with self.start(config=config) as daemon:
            lines = (daemon.directory / "run" / "ports").read_text().splitlines()
            self.assertEqual(sorted(f"{event['listener']} {event['address']}" for event in daemon.events("listening")),
                             sorted(lines))
            self.assertEqual(4, len(lines))
            for line in lines[:3]:
                self.assertEqual(b"x", exchange(socket_address(line.split()[1]), b"x"))
            self.assertEqual(["ports"], os.listdir(daemon.directory / "run"))


class Failing(CommandLineTest):
    def test_bad_arguments_are_2(self):
        good = self.good()
        for arguments, pattern in ((("--nonsense",), "nonsense"), (("-x",), "-x"), (("-c",), "config"),
                                   (("file.conf",), "-c"), (("-p", "70000"), "70000"), (("-p", "x"), "x"),
                                   (("--set", "novalue"), "novalue"), (("--listen", "nowhere"), "nowhere"),
                                   (("--lis", ":0"), "--lis"), (("-c", good, "-c", good), "config")):
            with self.subTest(arguments=arguments):
                self.check_fails(2, re.escape(pattern), *arguments)

    def test_a_port_in_use_is_1(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            path = self.config(f"[listener.main]\nbind = {address}\n" + ECHO)
            line = self.check_fails(1, re.escape(address), "-c", path)
            self.assertRegex(line, "in use.*(stop|choose)")

    def test_an_address_of_another_machine_is_1(self):
        self.check_fails(1, "192.0.2.123", "-c", self.config("[listener.main]\nbind = 192.0.2.123:0\n" + ECHO))

    def test_a_log_or_run_dir_that_cannot_be_is_1(self):
        for key in ("log.file", "log.session_file", "server.run_dir"):
            self.check_fails(1, "nowhere", "-c", self.good(), "--set", f"{key}={self.folder}/nowhere/x")

    @release_only  # a sanitizer needs descriptors of its own
    def test_too_few_descriptors_to_start_is_1_however_many_there_are(self):
        path = self.good("[server]\nthreads = 1\n")
        for descriptors in range(4, 64):  # with fewer, no library can be loaded
            limits = (descriptors, descriptors)
            with subprocess.Popen([binary(), "-c", path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits)) as process:
                said = ""
                while " ready " not in said and (line := process.stderr.readline()):
                    said += line
                if " ready " in said:
                    process.terminate()
                    break
            self.assertEqual(1, process.returncode, said)
            self.assertRegex(behind_start(said), r"\Afairleadd: cannot [^\n\[]*: Too many open files; allow more [^\n\[]*\n\Z")
        self.assertEqual(0, process.returncode, said)

    @release_only  # a sanitizer needs memory of its own
    def test_a_thread_that_cannot_be_had_is_1(self):
        """Address space runs out: large stacks make it the threads that use it up."""
        root = self.folder / "root"
        root.mkdir()
        path = self.good(f"[server]\nthreads = 4\n[service.files]\ntype = file\nroot = {root}\n")
        stack, missing = 256 << 20, set()
        def limit(stacks):
            resource.setrlimit(resource.RLIMIT_STACK, (stack, stack))
            resource.setrlimit(resource.RLIMIT_AS, (stacks * stack, stacks * stack))
        for stacks in range(2, 40):
            with subprocess.Popen([binary(), "-c", path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, preexec_fn=lambda: limit(stacks)) as process:
                said = ""
                while " ready " not in said and (line := process.stderr.readline()):
                    said += line
                if " ready " in said:
                    process.terminate()
                    break
            self.assertEqual(1, process.returncode, said)
            reason, = [line for line in said.splitlines() if line.startswith("fairleadd: ")]
            missing.update(re.findall("cannot begin (.*): .*; allow more threads", reason))
        self.assertEqual(0, process.returncode, said)
        self.assertEqual({"a thread", "the threads for files", "thread 2 of 4", "thread 3 of 4", "thread 4 of 4"}, missing)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to give it up")
    def test_no_permission_is_4(self):
        def become_nobody():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        # The binary and the configuration must be readable for nobody.
        closed = self.folder / "closed"
        closed.mkdir(mode=0o700)
        open_config = self.good()
        self.folder.chmod(0o755)
        done = run("-V", preexec=become_nobody)
        self.assertEqual(0, done.returncode, done.stderr)
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
            first_free = int(file.read())
        cases = [("--set", f"log.file={closed}/log"), ("--set", f"server.run_dir={closed}"),
                 ("--set", f"listener.main.bind=unix:{closed}/socket")]
        if first_free > 1:
            cases.append(("--set", "listener.main.bind=127.0.0.1:1"))
        for case in cases:
            with self.subTest(case=case):
                self.check_fails(4, "ermission", "-c", open_config, *case, preexec=become_nobody)

    def test_an_invalid_configuration_is_6_and_all_its_errors_are_listed(self):
        path = self.config("[server]\nthreads = many\ncolour = blue\n"
                           "[limits]\nmax_message = 1GiB\nqueue_soft = 1k\nqueue_soft = 2k\n"
                           "[listener.main]\nbind = 127.0.0.1:0, nowhere\nprotocol = http\nservise = echo\n"
                           "[service.echo]\ntype = ehco\n[Bad]\n")
        done = run("-c", path)
        self.assertEqual((6, ""), (done.returncode, done.stdout))
        lines = done.stderr.splitlines()
        for place, what in ((2, "threads"), (3, "colour"), (5, "max_message"), (7, "queue_soft"), (9, "nowhere"),
                            (10, "http"), (11, "did you mean.*service"), (13, "did you mean.*echo"), (14, "Bad")):
            self.assertTrue(any(re.search(rf"fairleadd\.conf:{place}:.*{what}", line) for line in lines), (place, lines))
        self.assertTrue(all(line.startswith("fairleadd: ") for line in lines), lines)

    def test_each_single_mistake_is_one_line_and_6(self):
        for text, pattern in (("", "listener"), ("[listener.main]\nbind = 127.0.0.1:0\n", "service"),
                              ("[listener.main]\nbind = 127.0.0.1:0\nservice = missing\n", "missing"),
                              ("[listener.main]\nbind = 127.0.0.1:0\n" + ECHO + "idle_x = 5\n", "idle_x"),
                              ("include = missing.conf\n[listener.main]\nbind = 127.0.0.1:0\n" + ECHO, "missing.conf"),
                              ("[listener.main]\nbind = ${NOT_SET}\n" + ECHO, "NOT_SET")):
            with self.subTest(text=text):
                self.check_fails(6, pattern, "-c", self.config(text))
        self.check_fails(6, "missing", "-c", str(self.folder / "missing.conf"))
        self.check_fails(6, "", "-c", str(self.folder))
        self.check_fails(6, "ENVIRONMENT|environment|FAIRLEAD_SERVER__NONSENSE", "-c", self.good(),
                         environment={"FAIRLEAD_SERVER__NONSENSE": "1"})
        self.check_fails(6, "nonsense", "-c", self.good(), "--set", "server.nonsense=1")


if __name__ == "__main__":
    main()
