"""What README.md (in both languages) shows is what happens: the tour of run.sh, every command with what it prints, and the
program in three lines. Numbers may differ, and the load test's opinion of its own run."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from support.daemon import SOURCE_DIR, Daemon, binary
from support.runner import main
from support.waiting import DEADLINE

READMES = ["README.md", "docs/README.zh-CN.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
ANYTHING = "..."  # a line of the page that stands for those that were left out
NUMBER = re.compile(r"\d[\d,.]*(?: (?:ns|us|ms|s|KiB|MiB)\b)?")


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
                              text=True, timeout=DEADLINE, **options).stdout

    def test_the_tour(self):
        ports = [str(self.daemon.address(name)[1]) for name in ("main", "hello")]
        said = self.run_here([sys.executable, "config/tour.py", *ports])
        self.assertIn("1000 connected, 1000 right answers", said)
        self.assertIn("Now you", said)

    def test_every_command_prints_what_is_shown(self):
        for page in READMES:
            commands = 0
            for language, block in BLOCK.findall((SOURCE_DIR / page).read_text(encoding="utf-8")):
                for command, shown in re.findall(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", "" if language else block, re.M):
                    with self.subTest(page=page, command=command.strip()):
                        commands += 1
                        said = self.run_here(["bash", "-c", self.here(command)])
                        self.assertRegex(said.rstrip("\n") + "\n", rf"\A{pattern_of(self.here(shown))}\Z")
            self.assertGreater(commands, 1, page)

    def test_the_program_in_three_lines(self):
        for page in READMES:
            programs = [block for language, block in BLOCK.findall((SOURCE_DIR / page).read_text(encoding="utf-8"))
                        if language == "python"]
            self.assertEqual(1, len(programs), page)
            self.assertEqual("你好\n\n", self.run_here([sys.executable, "-c", self.here(programs[0])]))


if __name__ == "__main__":
    main()
