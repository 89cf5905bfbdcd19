"""The root of a file service while it is swapped, removed and made; and names in it that are not UTF-8."""
import os
import pathlib
import shutil
import tempfile
import unittest

from support.client import fairlead
from support.daemon import Daemon
from support.peers import exchange
from support.runner import main

CONFIG = """
[listener.main]
bind = 127.0.0.1:0
service = files
[service.files]
type = file
boundary = line
root = {root}
"""
NO_SUCH_FILE = 78
GBK_NAME = "文件.txt".encode("gbk")


class Roots(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-roots-")))
        self.root = self.folder / "current"

    def release(self, name):
        folder = self.folder / name
        folder.mkdir()
        (folder / "version").write_text(name)
        return folder

    def swap(self, name):
        """As deploys do it: at no moment there is nothing."""
        link = self.folder / "next"
        link.symlink_to(name)
        link.rename(self.root)

    def start(self):
        self.daemon = self.enterContext(Daemon(CONFIG.format(root=self.root)))
        self.address = "%s:%d" % self.daemon.address()

    def fetched(self):
        return fairlead("get", "-q", "-o", "-", "--service", "files", self.address, "version").text

    def listed(self):
        result = fairlead("ls", "--service", "files", self.address)
        return result.code, result.text.split()

    def test_a_link_that_is_swapped(self):
        one = self.release("one")
        self.release("two")
        self.swap("one")
        self.start()
        self.assertEqual("one", self.fetched())
        self.assertEqual(b"one", exchange(self.daemon.address(), b"version\n"))
        self.swap("two")
        for _ in range(4):  # on each thread
            self.assertEqual("two", self.fetched())
            self.assertEqual(b"two", exchange(self.daemon.address(), b"version\n"))
        shutil.rmtree(one)
        self.assertEqual((0, ["version"]), self.listed())
        self.assertEqual([], self.daemon.events("file root not served"))

    def test_a_root_that_is_removed_and_one_that_appears(self):
        self.start()
        self.assertEqual(str(self.root), self.daemon.wait_for_events("file root not served")[0]["root"])
        self.assertEqual((NO_SUCH_FILE, []), self.listed())
        self.release("current")
        self.assertEqual((0, ["version"]), self.listed())
        shutil.rmtree(self.root)
        self.assertEqual((NO_SUCH_FILE, []), self.listed())
        self.daemon.wait_for_events("file root not served", 2)
        self.assertEqual(1, len(self.daemon.events("file root served again")), "told once, whichever thread it was")

    def test_names_that_are_not_utf8(self):
        folder = self.release("current")
        for name, text in ((GBK_NAME, "by its bytes"), (b"\xff\xfe", "never shown")):
            with open(os.path.join(os.fsencode(folder), name), "w") as file:
                file.write(text)
        self.start()
        self.assertEqual((0, ["version"]), self.listed())
        left_out = self.daemon.wait_for_events("file names left out")[0]
        self.assertEqual((2, "not UTF-8"), (left_out["n"], left_out["why"]))
        self.assertEqual(b"by its bytes", exchange(self.daemon.address(), GBK_NAME + b"\n"))
        (folder / "文件.txt").write_text("in UTF-8")
        self.assertEqual(b"in UTF-8", exchange(self.daemon.address(), GBK_NAME + b"\n"), "which comes first")


if __name__ == "__main__":
    main()
