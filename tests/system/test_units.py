"""The files for the machine around the daemon: the units of systemd, and the Dockerfile, which is read here and not run."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from support.daemon import SOURCE_DIR, binary
from support.installed import install
from support.runner import main
from support.waiting import DEADLINE

EXPOSURE_MAX = 1.2
# What a TERM may take beyond timeouts.drain: clients that read slowly, and two logs and a transcript that cannot be written.
AFTER_DRAIN_S = 30 + 3 * 2


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)


def settings_of(text):
    """{section: {key: [values]}}"""
    sections, section = {}, None
    for line in text.splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            section.setdefault(key, []).append(value)
    return sections


def default_of(key):
    done = run(binary(), "-T", "--listen", "127.0.0.1:0")
    section, name = key.split(".")
    assert done.returncode == 0, done.stderr
    return re.search(rf"\[{section}\]\n(?:(?!\[).*\n)*?{name} = (\S+)", done.stdout)[1]


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="fairlead-test-"))
        cls.prefix = install("server", cls.root)
        cls.folder = cls.prefix / "lib/systemd/system"
        cls.service = settings_of((cls.folder / "fairleadd.service").read_text())
        cls.socket = settings_of((cls.folder / "fairleadd.socket").read_text())

    def test_exposure(self):
        program = shutil.which("systemd-analyze")
        self.assertIsNotNone(program, "install systemd")
        done = run(program, "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX * 10:.0f}",
                   str(self.folder / "fairleadd.service"))
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        level = float(re.search(r"Overall exposure level for fairleadd.service: ([\d.]+)", done.stdout)[1])
        self.assertLessEqual(level, EXPOSURE_MAX)
        self.assertEqual("", done.stderr)

    def test_what_it_must_not_have(self):
        """They would break who is asked for at the other end of a unix socket, and the doctor."""
        self.assertFalse({"PrivateUsers", "ProcSubset"} & set(self.service["Service"]))

    def test_its_paths_are_installed(self):
        program, flag, configuration = self.service["Service"]["ExecStart"][0].split()
        self.assertEqual("-c", flag)
        for path in (program, configuration):
            self.assertTrue(pathlib.Path(self.root + path).exists(), path)

    def test_it_may_write_to_the_folders_that_tmpfiles_makes(self):
        lines = (self.prefix / "lib/tmpfiles.d/fairlead.conf").read_text().splitlines()
        folders = [line.split()[1] for line in lines if line.startswith("d ")]
        self.assertEqual(self.service["Service"]["ReadWritePaths"][0].split(), folders)
        self.assertEqual(3, len(folders))

    def test_it_waits_for_the_drain(self):
        drain = default_of("timeouts.drain")
        self.assertRegex(drain, r"^\d+s$")
        wait = int(self.service["Service"]["TimeoutStopSec"][0].removesuffix("s"))
        self.assertGreaterEqual(wait, int(drain.removesuffix("s")) + AFTER_DRAIN_S)

    def test_the_socket_has_the_addresses_of_the_listener(self):
        self.assertEqual(["main"], self.socket["Socket"]["FileDescriptorName"])
        packaged = (self.prefix / "etc/fairlead/fairleadd.conf").read_text(encoding="utf-8")
        listener = re.search(r"^\[listener\.main\]\n(.*?)^\[", packaged, re.M | re.S)[1]
        self.assertEqual(re.search(r"^bind = (.*)$", listener, re.M)[1].split(", "), self.socket["Socket"]["ListenStream"])


class Dockerfile(unittest.TestCase):
    """Whether it is well formed, and whether what it names is there. Nothing here has docker."""

    @classmethod
    def setUpClass(cls):
        text = (SOURCE_DIR / "docs" / "Dockerfile").read_text(encoding="utf-8")
        lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        cls.steps = [tuple(line.split(None, 1)) for line in lines.replace("\\\n", " ").splitlines() if line.strip()]

    def words(self, name):
        return [rest for step, rest in self.steps if step == name]

    def test_every_step_is_known(self):
        known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
        self.assertEqual(set(), {step for step, _ in self.steps} - known)

    def test_needs_nothing_but_debian(self):
        images = self.words("FROM")
        self.assertEqual(["debian:12 AS build", "debian:12-slim"], images)
        self.assertFalse([line for line in self.words("RUN") if re.search(r"curl|wget|pip|https?:", line)])

    def test_its_commands_are_shell(self):
        for line in self.words("RUN"):
            done = run("sh", "-n", "-c", line)
            self.assertEqual(0, done.returncode, line + done.stderr)

    def test_its_programs_take_these_arguments(self):
        entry = re.findall(r'"([^"]*)"', self.words("ENTRYPOINT")[0])
        arguments = re.findall(r'"([^"]*)"', self.words("CMD")[0])
        entry[2] = str(SOURCE_DIR / "config" / "fairleadd.conf")
        done = run(binary(entry[0]), *entry[1:], *arguments, "-p", "0", "-t")
        self.assertEqual(0, done.returncode, done.stderr)

    def test_its_user_and_its_preset_exist(self):
        users = (SOURCE_DIR / "config" / "systemd" / "sysusers.conf").read_text()
        self.assertIn(f"\nu {self.words('USER')[0]} ", users)
        self.assertIn('"name": "package", "steps"', (SOURCE_DIR / "CMakePresets.json").read_text())


if __name__ == "__main__":
    main()
