"""`cmake --install`: each component by itself, and the example of the client library built against what is installed."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import test_examples
from support.daemon import Daemon
from support.installed import COMPONENTS, files_below, install
from support.runner import main, release_only
from support.waiting import DEADLINE

EXAMPLE = test_examples.EXAMPLES / "client"
# Some paths of each component; what they hold is shown by the other tests.
EXPECTED = {
    "server": ["sbin/fairleadd", "etc/fairlead/fairleadd.conf", "lib/systemd/system/fairleadd.service",
               "lib/systemd/system/fairleadd.socket", "lib/sysusers.d/fairlead.conf", "lib/tmpfiles.d/fairlead.conf",
               "etc/logrotate.d/fairlead", "share/man/man8/fairleadd.8", "share/man/man5/fairleadd.conf.5",
               "share/bash-completion/completions/fairleadd", "share/doc/fairlead-server/operations.md",
               "share/doc/fairlead-server/copyright"],
    "client": ["bin/fairlead", "share/man/man1/fairlead.1", "share/man/man1/fairlead-get.1",
               "share/bash-completion/completions/fairlead", "share/doc/fairlead/client.md", "share/doc/fairlead/copyright"],
    "dev": ["include/fairlead/client/api/client.hpp", "include/fairlead/common/io/connector.hpp",
            "share/doc/libfairlead-dev/examples/client/questions.cpp", "share/doc/libfairlead-dev/copyright"],
}


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=10 * DEADLINE, **options)
    if done.returncode != 0:
        raise AssertionError(done.stdout[-4000:])
    return done.stdout


class Components(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="fairlead-test-")))
        cls.prefix = {component: install(component, cls.root / component) for component in COMPONENTS}

    def test_each_has_what_it_is_for(self):
        for component, names in EXPECTED.items():
            files = files_below(self.prefix[component])
            self.assertEqual(set(), set(names) - files, component)

    def test_none_has_what_another_has(self):
        trees = [files_below(self.root / component) for component in COMPONENTS]
        self.assertEqual(sum(map(len, trees)), len(set.union(*trees)))

    def test_the_programs_run(self):
        self.assertIn("fairlead ", run(self.prefix["client"] / "bin" / "fairlead", "--version"))
        # The folder of the unit is not there: the file `ports` goes elsewhere.
        checked = run(self.prefix["server"] / "sbin" / "fairleadd", "-t", "-c", self.prefix["server"] / "etc/fairlead/fairleadd.conf",
                      "--set", f"server.run_dir={self.root}")
        self.assertIn("the configuration is valid", checked)

    def test_the_configuration_is_the_documented_one_but_for_its_folder(self):
        ours = (test_examples.SOURCE_DIR / "config" / "fairleadd.conf").read_text(encoding="utf-8")
        packaged = (self.prefix["server"] / "etc/fairlead/fairleadd.conf").read_text(encoding="utf-8")
        self.assertEqual(ours.replace("\n# run_dir =\n", "\nrun_dir = /run/fairlead\n"), packaged)
        self.assertNotEqual(ours, packaged)

    def test_headers_include_installed_headers_only(self):
        include = self.prefix["dev"] / "include" / "fairlead"
        seen = 0
        for header in include.rglob("*.hpp"):
            text = header.read_text(encoding="utf-8")
            self.assertNotIn("#include <boost", text, header)
            for included in re.findall(r'#include "([^"]+)"', text):
                seen += 1
                self.assertTrue((include / included).exists(), f"{header} includes {included}")
        self.assertGreater(seen, 10)


@release_only
class TheLibrary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="fairlead-test-")))
        cls.root = folder / "root"
        cls.prefix = install("dev", cls.root)
        cls.example = folder / "example"
        shutil.copytree(EXAMPLE, cls.example)
        cls.daemon = cls.enterClassContext(Daemon(test_examples.ECHO))

    def check(self, program):
        self.assertEqual((0, "1: hello\n2: world\n", ""), test_examples.run(program, "127.0.0.1:%d" % self.daemon.address()[1]))

    def test_is_found_by_cmake(self):
        run("cmake", "-S", ".", "-B", "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}", cwd=self.example)
        run("cmake", "--build", "build", cwd=self.example)
        self.check(self.example / "build" / "questions")

    def test_is_found_by_pkg_config(self):
        pages = [path.parent for path in self.prefix.rglob("fairlead.pc")]
        self.assertEqual(1, len(pages))
        flags = run("pkg-config", "--cflags", "--libs", "fairlead", env={**os.environ, "PKG_CONFIG_PATH": str(pages[0])})
        run("g++", "-std=c++20", "questions.cpp", "-o", "questions", *shlex.split(flags), cwd=self.example)
        self.check(self.example / "questions")


if __name__ == "__main__":
    main()
