"""The manual pages and the completions, as they were made from the programs of this build."""
import pathlib
import re
import shutil
import subprocess
import unittest

from support.client import ENVIRONMENT
from support.daemon import binary
from support.installed import build_folder
from support.runner import main
from support.waiting import DEADLINE

MANUAL = build_folder() / "docs" / "manual"


def help_of(program, *words):
    return subprocess.run([binary(program), *words], capture_output=True, text=True, timeout=DEADLINE, env=ENVIRONMENT, check=True).stdout


def commands():
    """By the overview; `bench compare` is one of its own."""
    listed = help_of("fairlead", "--help").split("Commands:\n")[1].split("\n\n")[0]
    return [[line.split()[0]] for line in listed.splitlines()] + [["bench", "compare"]]


def options_of(text):
    return set(re.findall(r"(?<![\w-])--[a-z][\w-]*", text))


class Pages(unittest.TestCase):
    def rendered(self, name):
        done = subprocess.run(["mandoc", "-T", "ascii", str(MANUAL / name)], capture_output=True, text=True, timeout=DEADLINE, check=True)
        return re.sub(r".\x08", "", done.stdout)

    def test_mandoc_warns_of_nothing(self):
        self.assertIsNotNone(shutil.which("mandoc"), "install mandoc")
        pages = sorted(str(path) for path in MANUAL.glob("*.[158]"))
        self.assertGreaterEqual(len(pages), 10)
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))

    def test_there_is_one_for_each_command(self):
        expected = {"fairleadd.8", "fairleadd.conf.5", "fairlead.1"} | {f"fairlead-{'-'.join(words)}.1" for words in commands()}
        self.assertEqual(expected, {path.name for path in MANUAL.glob("*.[158]")})

    def test_they_have_every_option_with_its_text(self):
        for name, text in [("fairleadd.8", help_of("fairleadd", "--help").split("\nKeys of")[0]),
                           *((f"fairlead-{'-'.join(words)}.1", help_of("fairlead", *words, "--help")) for words in commands())]:
            page = self.rendered(name)
            section = page.split("\nOPTIONS\n")[1]
            self.assertEqual(set(), options_of(text) - options_of(section) - {"--help"}, name)
            # Each word of the text is there, in its order: nothing was lost between the columns.
            words = " ".join(section.split())
            for entry in re.findall(r"^  (?:-\w \[ )?--[\w-]+(?: \])?.*(?:\n {10,}.*)*", text, re.M):
                last = entry.split()[-1]
                self.assertIn(last, words, name)

    def test_the_configuration_has_every_key(self):
        page = self.rendered("fairleadd.conf.5")
        keys = re.findall(r"^  [LNR] (\w+) = ", help_of("fairleadd", "--help"), re.M)
        self.assertGreater(len(keys), 40)
        for key in keys:
            self.assertRegex(page, rf"(?m)^ +{key}\b")

    def test_the_daemons_page_has_the_signals_and_the_reasons(self):
        page = self.rendered("fairleadd.8")
        for words in ("SIGNALS", "CLOSE REASONS", "slow_consumer", "USR1"):
            self.assertIn(words, page)
        self.assertRegex(page, r"\nEXIT STATUS\n.*\n(.*\n){1,3}\nSEE ALSO\n")


class Completion(unittest.TestCase):
    def completed(self, line, program="fairlead"):
        """What bash offers behind this line, whose last word is being written."""
        words = line.split(" ")
        script = (f"source {MANUAL / ('completion-' + program)}; COMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD={len(words) - 1}; "
                  f"_{program}; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=DEADLINE, cwd=MANUAL,
                              env=ENVIRONMENT)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return set(done.stdout.split())

    def test_commands(self):
        names = {words[0] for words in commands()}
        self.assertEqual(names | {"help", "--help", "--version"}, self.completed("fairlead "))
        self.assertEqual({"send"}, self.completed("fairlead se"))
        self.assertEqual(names, self.completed("fairlead help "))

    def test_options_are_those_of_the_command(self):
        for words in commands():
            listed = set(re.findall(r"^  (?:-\w \[ )?(--[\w-]+)", help_of("fairlead", *words, "--help"), re.M))
            self.assertGreater(len(listed), 4)
            self.assertEqual(listed, self.completed(f"fairlead {' '.join(words)} --"), words)

    def test_values(self):
        self.assertEqual({"text", "len32", "framed"}, self.completed("fairlead send --protocol "))
        self.assertEqual({"framed"}, self.completed("fairlead send --protocol = f"))
        self.assertEqual({"fail", "skip", "rename", "overwrite", "update"}, self.completed("fairlead get --if-exists "))
        self.assertEqual({"auto", "bars", "lines", "json", "none"}, self.completed("fairlead get --progress "))
        self.assertEqual(set(), self.completed("fairlead get --timeout "))

    def test_files(self):
        self.assertEqual({"completion-fairlead", "completion-fairleadd"}, self.completed("fairlead get -o completion-"))
        self.assertEqual(set(), self.completed("fairlead get completion-"))

    def test_a_command_of_a_command(self):
        self.assertIn("compare", self.completed("fairlead bench "))
        self.assertIn("--fail-if", self.completed("fairlead bench compare --f"))

    def test_the_daemon(self):
        self.assertEqual(options_of(help_of("fairleadd", "--help").split("\nExit status")[0]), self.completed("fairleadd --", "fairleadd"))
        self.assertEqual({"timeouts.drain="}, self.completed("fairleadd --set timeouts.dr", "fairleadd"))
        self.assertEqual({"completion-fairlead", "completion-fairleadd"}, self.completed("fairleadd -c completion-", "fairleadd"))


if __name__ == "__main__":
    main()
