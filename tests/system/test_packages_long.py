"""The packages for Debian: built as docs/operations.md says, examined by lintian, and installed, upgraded, removed and purged in a
Debian of the test's own."""
import os
import pathlib
import re
import tempfile
import types
import unittest

from support.daemon import SOURCE_DIR
from support.debian import Machine, run
from support.runner import main, needs_long

NAMES = ("fairlead-server", "fairlead", "libfairlead-dev")
BUILD_S = 600  # all that ships, unless a compiler cache has it
CONFFILES = {"/etc/fairlead/fairleadd.conf", "/etc/logrotate.d/fairlead"}
# What the user, who stays, and dpkg leave; see Debian's policy, 9.2.2 and 6.8.
MAY_STAY = re.compile(r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|/etc/\.pwd\.lock$|"
                      r"/var/lib/dpkg/|/var/cache/|/var/log/dpkg\.log$")


def packages_in(folder):
    found = {name: list(folder.glob(f"{name}_*.deb")) for name in NAMES}
    assert all(len(files) == 1 for files in found.values()), found
    return {name: files[0] for name, files in found.items()}


def field(package, name):
    return run("dpkg-deb", "--field", package, name).strip()


def dependencies(package):
    """Names; of alternatives the one that is no whole systemd."""
    for item in field(package, "Depends").split(","):
        choices = [choice.split()[0] for choice in item.split("|")]
        yield next(choice for choice in choices if choice != "systemd")


made = types.SimpleNamespace()  # folder: of this module; built: the packages by their names; next: those of the next revision


def setUpModule():
    if os.environ.get("FAIRLEAD_LONG") != "1":
        return
    folder = made.folder = pathlib.Path(unittest.enterModuleContext(tempfile.TemporaryDirectory(prefix="fairlead-packages-")))
    packages = SOURCE_DIR / "build" / "package" / "packages"
    for old in packages.glob("*.deb"):
        old.unlink()
    run("cmake", "--workflow", "--preset", "package", cwd=SOURCE_DIR, timeout=BUILD_S)
    made.built = packages_in(packages)
    run("cpack", "--config", "CPackConfig.cmake", "-D", "CPACK_DEBIAN_PACKAGE_RELEASE=2", "-B", folder / "next", cwd=packages.parent)
    made.next = packages_in(folder / "next")


@needs_long
class Packages(unittest.TestCase):
    def test_lintian_finds_no_error(self):
        run("lintian", "--allow-root", "--fail-on", "error", *made.built.values())

    def test_what_is_in_etc_is_a_conffile(self):
        tree = self.unpacked("fairlead-server")
        etc = {"/" + str(path.relative_to(tree)) for path in (tree / "etc").rglob("*") if path.is_file()}
        self.assertEqual(CONFFILES, etc)
        self.assertEqual(CONFFILES, set(run("dpkg-deb", "--info", made.built["fairlead-server"], "conffiles").split()))

    def test_programs_are_hardened_and_stripped(self):
        for name, path in (("fairlead-server", "usr/sbin/fairleadd"), ("fairlead", "usr/bin/fairlead")):
            program = self.unpacked(name) / path
            self.assertRegex(run("readelf", "--file-header", program), r"Type: +DYN")
            dynamic = run("readelf", "--dynamic", program)
            self.assertIn("BIND_NOW", dynamic)
            self.assertIn("PIE", dynamic)
            self.assertIn("GNU_RELRO", run("readelf", "--program-headers", program))
            symbols = run("readelf", "--dyn-syms", "--wide", program)
            for checked in ("__stack_chk_fail", "__memcpy_chk"):
                self.assertIn(checked, symbols)
            self.assertNotIn(".symtab", run("readelf", "--section-headers", "--wide", program))

    def unpacked(self, name):
        tree = made.folder / name
        if not tree.exists():
            run("dpkg-deb", "--extract", made.built[name], tree)
        return tree

    def test_dependencies_are_those_of_the_programs(self):
        self.assertRegex(field(made.built["fairlead-server"], "Depends"), r"libspdlog.*libssl3")
        self.assertRegex(field(made.built["fairlead"], "Depends"), r"libedit2.*libre2")
        self.assertEqual("libexpected-dev", field(made.built["libfairlead-dev"], "Depends"))


@needs_long
@unittest.skipUnless(os.geteuid() == 0, "needs root, for a machine of its own")
class Lives(unittest.TestCase):
    """One machine for all: each test leaves it without the packages."""

    @classmethod
    def setUpClass(cls):
        needed = {name for package in made.built.values() for name in dependencies(package)}
        cls.machine = cls.enterClassContext(Machine(made.folder, sorted(needed)))
        for folder, packages in (("1", made.built), ("2", made.next)):
            (cls.machine.root / folder).mkdir()
            for package in packages.values():
                (cls.machine.root / folder / package.name).write_bytes(package.read_bytes())

    def setUp(self):
        self.before = self.machine.files()
        self.addCleanup(lambda: self.machine.run("dpkg", "--purge", *NAMES, check=False))

    def dpkg(self, action, *names):
        return self.machine.run("dpkg", action, *names)

    def install(self, folder):
        """All three packages; `dpkg` must ask nothing."""
        return self.dpkg("--install", *(f"/{folder}/{path.name}" for path in (self.machine.root / folder).iterdir()))

    def ask_the_daemon(self):
        return self.machine.run("fairlead", "send", "127.0.0.1:7878", "hello")

    def pid(self):
        return self.machine.run("systemctl", "show", "--property", "MainPID", "--value", "fairleadd.service").strip()

    def rest(self):
        """A client connects, is served, and says nothing until wake()."""
        self.machine.run("bash", "-ec", """exec 3<>/dev/tcp/127.0.0.1/7878 && echo served >&3 && read -r reply <&3 && [ "$reply" = served ]
            ( while ! [ -e /run/speak ]; do sleep 0.1; done; echo still here >&3; head -n 1 <&3 >/run/heard; mv /run/heard /run/reply
            ) </dev/null >/dev/null 2>&1 &""")

    def wake(self):
        """Its reply."""
        return self.machine.run("sh", "-ec", "touch /run/speak; for tenth in $(seq 100); do [ -e /run/reply ] && break; sleep 0.1; done; "
                                "cat /run/reply; rm /run/reply /run/speak")

    def check_nothing_is_left(self):
        left = {name for name in self.machine.files() - self.before if not MAY_STAY.match(name)}
        self.assertEqual(set(), left)
        self.assertEqual("", self.machine.run("find", "/", "-xdev", "-user", "fairlead"))
        self.assertNotIn("fairlead", self.machine.run("ls", "/run").split())

    def test_1_without_a_service_manager(self):
        self.install("1")
        self.assertRegex(self.machine.run("id", "fairlead"), r"\(fairlead\) ")
        modes = self.machine.run("stat", "-c", "%a %U %G %n", "/run/fairlead", "/var/lib/fairlead", "/var/log/fairlead")
        self.assertEqual("755 fairlead fairlead /run/fairlead\n750 fairlead fairlead /var/lib/fairlead\n"
                         "2750 fairlead adm /var/log/fairlead\n", modes)
        self.assertIn("fairleadd.service", self.machine.run("ls", "/etc/systemd/system/multi-user.target.wants"))
        self.machine.run("setpriv", "--reuid=fairlead", "--regid=fairlead", "--init-groups", "fairleadd", "-t", "-c",
                         "/etc/fairlead/fairleadd.conf")
        self.install("2")
        self.dpkg("--remove", *NAMES)
        self.assertEqual(sorted(CONFFILES), self.machine.run("ls", *sorted(CONFFILES)).split())
        self.dpkg("--purge", *NAMES)
        self.check_nothing_is_left()

    def test_2_a_life(self):
        self.machine.has_service_manager()
        self.before = self.machine.files()
        self.install("1")
        self.assertEqual("hello\n", self.ask_the_daemon())
        first = self.pid()
        self.rest()
        # A change of the administrator, state, and logs.
        self.machine.run("sh", "-c", "echo '# mine' >> /etc/fairlead/fairleadd.conf; echo > /var/log/fairlead/fairleadd.log; "
                         "echo > /var/lib/fairlead/bans; touch /etc/fairlead/users")
        self.install("2")
        self.assertEqual("hello\n", self.ask_the_daemon())
        self.assertNotEqual(first, self.pid())
        self.assertIn("kill --kill-whom=main --signal USR2 fairleadd.service", self.machine.asked())
        self.assertEqual([], [line for line in self.machine.asked() if "restart" in line.split()])
        self.assertIn(f" info upgraded to={self.pid()} ", self.machine.run("cat", "/run/journal"))
        self.assertEqual("still here\n", self.wake())
        self.assertNotIn("deleted", self.machine.run("readlink", f"/proc/{self.pid()}/exe"))
        self.assertIn("# mine", self.machine.run("cat", "/etc/fairlead/fairleadd.conf"))
        self.dpkg("--remove", *NAMES)
        self.assertEqual("0", self.pid())
        self.machine.run("ls", "/etc/fairlead/fairleadd.conf", "/var/lib/fairlead/bans", "/var/log/fairlead/fairleadd.log")
        self.dpkg("--purge", *NAMES)
        self.check_nothing_is_left()

    def test_3_a_configuration_that_is_not_taken(self):
        """The installation does not fail, and says where to look; mended, the daemon starts."""
        self.machine.has_service_manager()
        self.machine.run("mkdir", "-p", "/etc/fairlead/conf.d")
        self.machine.run("sh", "-c", "echo nonsense > /etc/fairlead/conf.d/mine.conf")
        self.install("1")
        self.assertEqual("0", self.pid())
        self.machine.run("rm", "/etc/fairlead/conf.d/mine.conf")
        self.machine.run("systemctl", "start", "fairleadd.service")
        self.assertEqual("hello\n", self.ask_the_daemon())

    def test_4_an_upgrade_that_cannot_be(self):
        """The new one does not take the configuration: whoever is connected stays so. Where the old daemon refuses the hand-over, it is
        restarted."""
        self.machine.has_service_manager()
        self.install("1")
        before = self.pid()
        self.rest()
        self.machine.run("sh", "-c", "echo nonsense > /etc/fairlead/conf.d/mine.conf")
        said = self.install("2")
        self.assertRegex(said, r"mine\.conf:1: (?s:.*)the old one serves on")
        self.assertEqual(before, self.pid())
        self.assertIn(" error upgrade_failed ", self.machine.run("cat", "/run/journal"))
        self.assertEqual("still here\n", self.wake())
        self.machine.run("rm", "/etc/fairlead/conf.d/mine.conf")
        self.machine.run("touch", "/run/deaf")
        self.addCleanup(self.machine.run, "rm", "/run/deaf")
        self.install("1")
        self.assertNotEqual(before, self.pid())
        self.assertEqual("hello\n", self.ask_the_daemon())

    def test_5_whose_services_must_not_be_touched(self):
        self.machine.has_service_manager()
        self.machine.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
        self.addCleanup((self.machine.root / "usr/sbin/policy-rc.d").unlink)
        self.install("1")
        self.assertEqual("0", self.pid())
        self.machine.run("systemctl", "start", "fairleadd.service")
        before = self.pid()
        self.install("2")
        self.assertEqual(before, self.pid())
        self.assertEqual("hello\n", self.ask_the_daemon())
        self.machine.run("systemctl", "stop", "fairleadd.service")


if __name__ == "__main__":
    main()
