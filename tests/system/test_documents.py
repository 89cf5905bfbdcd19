"""Every command and every configuration that a page shows is run: the fenced blocks of README.md, CONTRIBUTING.md and docs/, and
the options of the commands within sentences, and the examples of --help. BLOCKS names each block and what runs it, or why nothing does."""
import grp
import gzip
import json
import os
import pathlib
import pwd
import re
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

from support.bench import BenchTest
from support.client import ENVIRONMENT, PlainServer
from support.daemon import SOURCE_DIR, Daemon, binary
from support.peers import receive_exactly
from support.runner import main
from support.upgrading import UpgradedDaemon
from support.waiting import DEADLINE, wait_for

READMES = ["README.md", "docs/README.zh-CN.md"]
BLOCK = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1$", re.M | re.S)
ANYTHING = "..."  # a line of the page that stands for those that were left out
NUMBER = re.compile(r"\d[\d,.]*(?: (?:ns|us|ms|s|KiB|MiB)\b)?")

BUILDS = "builds the tree, which whoever runs this test has done"
OUTPUT = "what a log or the doctor prints; test_signals.py, test_logs.py and test_doctor.py hold it against the programs"
PICTURE = "a picture of the parts, no command"
LONG = "takes an hour, and measures"
SYSTEMD = "needs a systemd that runs, for one of them a later one than Debian 12 has"

# (page, how the block begins): a test of this module, another one's file, or the reason why nothing runs it.
BLOCKS = {
    ("README.md", "./run.sh"): "test_the_tour",
    ("README.md", "2026-11-21T"): OUTPUT,
    ("README.md", "import socket"): "test_the_program_in_three_lines",
    ("README.md", "$ "): "test_every_command_prints_what_is_shown",
    ("docs/README.zh-CN.md", "./run.sh"): "test_the_tour",
    ("docs/README.zh-CN.md", "import socket"): "test_the_program_in_three_lines",
    ("docs/README.zh-CN.md", "$ "): "test_every_command_prints_what_is_shown",
    ("CONTRIBUTING.md", "cmake --preset"): BUILDS,
    ("docs/architecture.md", "kernel"): PICTURE,
    ("docs/architecture.md", "Daemon"): PICTURE,
    ("docs/architecture.md", "open"): PICTURE,
    ("docs/bench.md", "fairlead bench -c 50"): "test_load_tests",
    ("docs/bench.md", "fairlead bench compare"): "test_comparison",
    ("docs/configuration.md", "# A comment"): "test_syntax",
    ("docs/examples/client/README.md", "cmake"): "test_install.py",
    ("docs/examples/client/README.md", "g++"): "test_install.py",
    ("docs/examples/service/README.md", "cmake"): "test_examples_long.py",
    ("docs/decisions/0016-an-upgrade-hands-sessions-over.md", "old (giver)"): "a diagram",
    ("docs/files.md", "[service.file]"): "test_files",
    ("docs/from-the-tutorials.md", "fairleadd -c"): "test_tutorial_ports.py",
    ("docs/fuzzing.md", "tests/fuzz/run.sh"): LONG,
    ("docs/operations.md", "fairleadd -c /etc/fairlead"): "test_reload.py",
    ("docs/operations.md", "info draining"): OUTPUT,
    ("docs/operations.md", "cp -p /usr/sbin/fairleadd"): "test_upgrading_and_going_back",
    ("docs/operations.md", "mv /usr/sbin/fairleadd.old"): "test_upgrading_and_going_back",
    ("docs/operations.md", "info counters"): OUTPUT,
    ("docs/operations.md", "[Socket]"): "a unit file of systemd; test_inherited.py does what it does",
    ("docs/operations.md", "fairleadd: crashed"): "what a crash prints; test_life.py",
    ("docs/operations.md", "info suppressed"): OUTPUT,
    ("docs/operations.md", "bad   descriptors"): OUTPUT,
    ("docs/operations.md", "cmake --workflow"): "test_packages_long.py",
    ("docs/operations.md", "cmake --preset release"): "test_install.py",
    ("docs/operations.md", "# systemctl edit fairleadd.socket"): "test_units.py",
    ("docs/operations.md", "printf"): SYSTEMD,
    ("docs/operations.md", "# systemctl edit fairleadd.service"): SYSTEMD,
    ("docs/performance.md", "cmake"): LONG,
    ("docs/protocol.md", "offset"): "a table",
    ("docs/protocol.md", "[server]"): "the configuration of the vectors, which the test program of each codec plays",
    ("docs/simulation.md", "build/release/bin/sim"): "test_simulation",
}


def blocks():
    """(page, what stands behind the fence, the block) of all pages."""
    pages = [SOURCE_DIR / "README.md", SOURCE_DIR / "CONTRIBUTING.md", *sorted((SOURCE_DIR / "docs").rglob("*.md"))]
    for page in pages:
        for _, language, block in BLOCK.findall(page.read_text(encoding="utf-8")):
            yield str(page.relative_to(SOURCE_DIR)), language, block


def block(page, begin):
    return next(text for name, _, text in blocks() if name == page and text.startswith(begin))


def commands_of(text):
    """Its lines, without the explanations behind them."""
    return [re.sub(r" {2,}#.*", "", line) for line in text.splitlines()]


class EveryBlock(unittest.TestCase):
    def test_is_run_or_says_why_not(self):
        names = set(dir(Readme)) | set(dir(Commands)) | set(dir(Configurations)) | set(dir(Programs))
        found = set()
        for page, language, text in blocks():
            if language.startswith("vector "):
                continue  # the test program of each codec plays it
            keys = [key for key in BLOCKS if key[0] == page and text.startswith(key[1])]
            with self.subTest(page=page, block=text[:60]):
                self.assertEqual(1, len(keys), "name it in BLOCKS")
            found.update(keys)
        self.assertEqual(set(BLOCKS), found, "no longer on the page")
        for what in BLOCKS.values():
            if what.startswith("test_"):
                is_here = (SOURCE_DIR / "tests" / "system" / what).exists() if what.endswith(".py") else what in names
                self.assertTrue(is_here, what)

    def test_presets_exist(self):
        presets = json.loads((SOURCE_DIR / "CMakePresets.json").read_text())
        known = {preset["name"] for kind in ("configurePresets", "buildPresets", "testPresets", "workflowPresets")
                 for preset in presets.get(kind, ()) if not preset.get("hidden")}
        for page, _, text in blocks():
            for name in re.findall(r"--preset (\w+)", text):
                self.assertIn(name, known, page)

    def test_commands_in_sentences_have_these_options(self):
        """`fairlead send -w 5s`: what `fairlead help send` does not list is a mistake of the page."""
        helps = {}

        def help_of(*words):
            if words not in helps:
                helps[words] = subprocess.run([binary(words[0]), *words[1:]], capture_output=True, text=True, timeout=DEADLINE,
                                              env=ENVIRONMENT, check=True).stdout
            return helps[words]
        seen = 0
        for page in [SOURCE_DIR / "README.md", *sorted((SOURCE_DIR / "docs").rglob("*.md"))]:
            text = BLOCK.sub("", page.read_text(encoding="utf-8"))
            for span in re.findall(r"`((?:fairleadd|fairlead) [^`]+)`", text):
                words = span.split()
                said = help_of("fairleadd", "--help") if words[0] == "fairleadd" else \
                    help_of("fairlead", "bench", "compare", "--help") if words[1:3] == ["bench", "compare"] else \
                    help_of("fairlead", "--help") if words[1] in ("help", "--help", "--version") else \
                    help_of("fairlead", "help", words[1])
                for option in re.findall(r"(?<=\s)--?[A-Za-z][\w-]*", span):
                    seen += 1
                    with self.subTest(page=page.name, command=span, option=option):
                        self.assertRegex(said, rf"(?<![\w-]){re.escape(option)}(?![\w-])")
        self.assertGreater(seen, 10)


def pattern_of(shown):
    """What a command may print where the page shows this."""
    pattern = ""
    for line in shown.splitlines(keepends=True):
        if line.strip() == ANYTHING:
            pattern += r"(?:.*\n)*?"
            continue
        pieces = [re.sub(r"(?:\\ )+", r" +", re.escape(piece)) for piece in NUMBER.split(line)]
        pattern += r" *[\d,.]+(?: \w+)?".join(pieces).replace("VALID", "(?:VALID|DOUBTFUL|INVALID)")
    return pattern


class Readme(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(Daemon(
            config_file=SOURCE_DIR / "config" / "tour.conf", preexec=lambda: os.chdir(SOURCE_DIR),
            arguments=[word for name in ("main", "hello") for word in ("--set", f"listener.{name}.bind=127.0.0.1:0")]))
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-test-"))

    def here(self, text):
        """With the ports and folders that this daemon and this test have."""
        is_now = {"7878": self.daemon.address()[1], "7788": self.daemon.address("hello")[1],
                  "build/release/bin": pathlib.Path(binary()).parent, "/tmp": self.folder}
        return re.sub("|".join(is_now), lambda shown: str(is_now[shown[0]]), text)

    def run_here(self, words, **options):
        return subprocess.run(words, cwd=SOURCE_DIR, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=DEADLINE, env={**os.environ, "COLUMNS": "100"}, **options).stdout

    def test_the_tour(self):
        """What run.sh runs once it has built."""
        ports = [str(self.daemon.address(name)[1]) for name in ("main", "hello")]
        said = self.run_here([sys.executable, "config/tour.py", *ports])
        self.assertIn("1000 connected, 1000 right answers", said)
        self.assertIn("Now you", said)

    def test_every_command_prints_what_is_shown(self):
        for page in READMES:
            commands = 0
            for language, block in [found[1:] for found in blocks() if found[0] == page]:
                for command, shown in re.findall(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", "" if language else block, re.M):
                    with self.subTest(page=page, command=command.strip()):
                        commands += 1
                        said = self.run_here(["bash", "-c", self.here(command)])
                        self.assertRegex(said.rstrip("\n") + "\n", rf"\A{pattern_of(self.here(shown))}\Z")
            self.assertGreater(commands, 1, page)

    def test_the_program_in_three_lines(self):
        for page in READMES:
            programs = [text for name, language, text in blocks() if name == page and language == "python"]
            self.assertEqual(1, len(programs), page)
            self.assertEqual("你好\n\n", self.run_here([sys.executable, "-c", self.here(programs[0])]))


ECHO = """
[listener.main]
bind = 127.0.0.1:0
service = echo
[service.echo]
type = echo
"""


def answering(answer):
    """A server of somebody else, that answers each line or head."""
    def serve(_, connection):
        while connection.recv(65536):
            connection.sendall(answer)
    return PlainServer(serve)


class Commands(BenchTest):
    """Those of bench.md, for a second each. What a busy machine makes of their verdict is left open: 98, 99."""

    def run_page(self, command, addresses, more, codes):
        for shown, now in addresses.items():
            command = re.sub(rf"(?<=\s){re.escape(shown)}(?=\s|$)", now, command)
        self.assertNotIn("localhost", command)
        words = [*shlex.split(command), *more]
        self.assertEqual("fairlead", words[0])
        done = subprocess.run([binary("fairlead"), *words[1:]], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=DEADLINE, env=ENVIRONMENT)
        self.assertIn(done.returncode, codes, done.stderr + done.stdout)
        return done

    def test_load_tests(self):
        daemon = self.enterContext(Daemon(ECHO))
        redis = self.enterContext(answering(b"+PONG\r\n"))
        web = self.enterContext(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<p>hello</p>"))
        addresses = {"localhost": "127.0.0.1:%d" % daemon.address()[1], "localhost:6379": redis.address,
                     "localhost:80": web.address}
        commands = commands_of(block("docs/bench.md", "fairlead bench -c 50"))
        self.assertEqual(4, len(commands))
        for command in commands:
            with self.subTest(command):
                self.run_page(command, addresses, ["-q", "-d", "1s", "--json", "report.json"], (0, 98, 99))
                counts = json.loads((self.folder / "report.json").read_bytes())["counts"]
                self.assertGreater(counts["done"], 0)
                self.assertEqual({0}, set(counts["mismatches"].values()), counts)
                self.assertEqual(0, sum(counts["errors"].values()), counts)
        self.assertIn("<html", (self.folder / "run.html").read_text(encoding="utf-8"))

    def test_comparison(self):
        with Daemon(ECHO) as one, Daemon(ECHO) as other:
            addresses = {"localhost:7878": "127.0.0.1:%d" % one.address()[1],
                         "localhost:7879": "127.0.0.1:%d" % other.address()[1]}
            for command in commands_of(block("docs/bench.md", "fairlead bench compare")):
                self.run_page(command, addresses, ["-q", "-d", "200ms", "--rounds", "2"], (0, 97, 98))
        self.assertIn("|", (self.folder / "table.md").read_text(encoding="utf-8"))


class Configurations(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-test-")))

    def test_syntax(self):
        """configuration.md, with folders that this machine has."""
        (self.folder / "files").mkdir()
        text = block("docs/configuration.md", "# A comment").replace("/run/fairlead", str(self.folder)).replace(":7878", "127.0.0.1:0")
        (self.folder / "page.conf").write_text(text, encoding="utf-8")
        done = subprocess.run([binary("fairleadd"), "-T", "-c", str(self.folder / "page.conf")], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=DEADLINE, env={**ENVIRONMENT, "HOME": str(self.folder)})
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stdout, r'(?m)^greeting = "a # b\\n"')
        self.assertRegex(done.stdout, rf"(?m)^root = {re.escape(str(self.folder))}/files")

    def test_files(self):
        """files.md: what is there, and what is not."""
        (self.folder / "note").write_bytes(b"well\n")
        text = block("docs/files.md", "[service.file]").replace("/srv/files", str(self.folder)) + "bind = 127.0.0.1:0\n"
        with Daemon(text) as daemon:
            for name, answer in ((b"note", b"well\n"), (b"none", b"")):
                with daemon.connect() as client, client.makefile("rb") as replies:
                    client.sendall(name)
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(answer, replies.read())
            wait_for(lambda: daemon.stdout_lines() == ["no such file: none"], "the line of the missing file")

    def test_rotation(self):
        """config/logrotate/fairlead, with the logs of this daemon, by the logrotate of the machine. It must find nothing wrong while there
        is no log yet, while the daemon is down, and lose no line while it is up."""
        program = shutil.which("logrotate", path=os.environ.get("PATH", "") + ":/usr/sbin")
        self.assertIsNotNone(program, "install logrotate")
        logs = self.folder / "log"
        logs.mkdir()
        stanza = (SOURCE_DIR / "config" / "logrotate" / "fairlead").read_text().replace("/var/log/fairlead", str(logs))
        owner = f"su {pwd.getpwuid(os.getuid()).pw_name} {grp.getgrgid(os.getgid()).gr_name}"
        self.assertIn("su fairlead adm\n", stanza)
        stanza = stanza.replace("su fairlead adm", owner)
        (self.folder / "stanza").write_text(stanza)
        (self.folder / "stanza").chmod(0o600)
        signalled = self.folder / "signalled"
        (self.folder / "bin").mkdir()

        def rotate(pid):
            """With a pkill that finds this daemon only; None: it finds none."""
            fake = self.folder / "bin" / "pkill"
            fake.write_text(f'#!/bin/sh\n[ "$*" = "-USR1 -x fairleadd" ] || exit 2\n' +
                            (f"kill -USR1 {pid} && echo >> {signalled}\n" if pid else "exit 1\n"))
            fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
            done = subprocess.run([program, "--force", "--state", str(self.folder / "state"), str(self.folder / "stanza")],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE,
                                  env={"PATH": f"{self.folder / 'bin'}:{os.environ.get('PATH', '')}"})
            self.assertEqual((0, ""), (done.returncode, done.stderr))

        rotate(None)
        current = logs / "fairleadd.log"
        with Daemon(ECHO, mute=True, arguments=["--set", f"log.file={current}", "--set", "log.format=text"]) as daemon:
            for count in (1, 2):
                with daemon.connect() as client:
                    client.sendall(b"x\n")
                    client.recv(10)
                wait_for(lambda: self.sessions(logs) == count, "the line of the session")
                rotate(daemon.pid)
                wait_for(lambda: current.exists() and " counters " in current.read_text(), "the counters in the new file")
        self.assertEqual(2, self.sessions(logs))
        self.assertEqual({"fairleadd.log", "fairleadd.log.1", "fairleadd.log.2.gz"}, {path.name for path in logs.iterdir()})
        self.assertEqual(2, len(signalled.read_text().splitlines()))
        rotate(None)

    @staticmethod
    def sessions(logs):
        """In all files, rotated ones included."""
        texts = [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in logs.iterdir()]
        return b"".join(texts).count(b" info session ")


class Helps(unittest.TestCase):
    """The examples of `fairlead help COMMAND`: one exchange each, with servers of this test."""

    def setUp(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-test-")))
        (folder / "docs" / "2026").mkdir(parents=True)
        (folder / "docs" / "2026" / "note").write_bytes(b"well")
        files = f"services = echo, file\n[service.file]\ntype = file\nroot = {folder}\n"
        daemon = self.enterContext(Daemon(ECHO.replace("[service.echo]", files + "[service.echo]")))
        redis = self.enterContext(answering(b"+PONG\r\n"))
        self.address = "127.0.0.1:%d" % daemon.address()[1]
        self.redis = redis.address

    def test_examples(self):
        seen = 0
        for command in ("send", "term", "ping", "get", "ls", "bench"):
            said = subprocess.run([binary("fairlead"), "help", command], capture_output=True, text=True, timeout=DEADLINE,
                                  env=ENVIRONMENT, check=True).stdout
            for line in re.findall(r"^  ((?:fairlead|printf) .*)$", said.partition("\nExamples:\n")[2], re.M):
                seen += 1
                with self.subTest(line):
                    self.run_example(line)
        self.assertGreater(seen, 10)

    def run_example(self, line):
        now = re.sub(r"\| jq .*", "", line).replace("localhost:6379", self.redis)
        now = re.sub(r"(?<= )(?:localhost|192\.0\.2\.7|127\.0\.0\.1)(?::78\d\d|:7788)?(?= |$)", self.address, now)
        self.assertNotEqual(line, now)
        now += " --dry-run" if line.startswith("fairlead bench") else ""
        folder = pathlib.Path(binary("fairlead")).parent
        done = subprocess.run(["bash", "-o", "pipefail", "-c", now], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE, env={**ENVIRONMENT, "PATH": f"{folder}:{ENVIRONMENT['PATH']}"})
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)


class Programs(unittest.TestCase):
    def test_upgrading_and_going_back(self):
        """operations.md, with a systemctl that knows one unit: a client goes along both ways."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-test-")))
        program, new = folder / "sbin" / "fairleadd", folder / "new"
        program.parent.mkdir()
        shutil.copy(binary(), program)
        shutil.copy(binary(), new)
        with open(new, "ab") as file:
            file.write(b"another version")
        before, behind = program.stat().st_size, new.stat().st_size
        (folder / "systemctl").write_text(f'#!/bin/sh\n[ "$*" = "kill --kill-whom=main --signal=USR2 fairleadd.service" ] || exit 2\n'
                                          f'kill -USR2 "$(cat {folder}/main-pid)"\n')
        (folder / "systemctl").chmod(0o755)
        with UpgradedDaemon(ECHO, program=str(program)) as daemon, daemon.connect() as client:
            def run():
                text = block("docs/operations.md", begin).replace("/etc/fairlead/fairleadd.conf", str(daemon.config_file))
                text = re.sub(r"/usr/sbin(?=/)|\bNEW\b", lambda shown: str({"NEW": new}.get(shown[0], program.parent)), text)
                (folder / "main-pid").write_text(str(daemon.pid))
                done = subprocess.run(["bash", "-ec", text], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                      text=True, timeout=DEADLINE, env={"PATH": f"{folder}:{os.environ['PATH']}"})
                self.assertEqual(0, done.returncode, done.stderr)
            for begin, size in (("cp -p /usr/sbin/fairleadd", behind), ("mv /usr/sbin/fairleadd.old", before)):
                client.sendall(b"x\n")
                self.assertEqual(b"x\n", receive_exactly(client, 2))
                daemon.upgrade(run)
                self.assertEqual(0, daemon.previous.wait())
                self.assertEqual((str(program), size), (daemon.current.program(), os.stat(f"/proc/{daemon.pid}/exe").st_size))
            client.sendall(b"y\n")
            self.assertEqual(b"y\n", receive_exactly(client, 2))

    def test_simulation(self):
        """simulation.md, with fewer seeds: sim_clean and sim_finds_NAME run all of them."""
        for line in block("docs/simulation.md", "build/release/bin/sim").splitlines():
            words = shlex.split(re.sub(r"(?<=--seeds )\d+", "20", line), comments=True)
            program = pathlib.Path(words[0]).name
            if program == "sim":
                done = subprocess.run([binary(program), *words[1:]], capture_output=True, timeout=DEADLINE)
                self.assertEqual(0, done.returncode, done.stdout[-2000:])
            else:
                self.assertEqual("sim_NAME", program)
                self.assertIn("--must-fail", words)


if __name__ == "__main__":
    main()
