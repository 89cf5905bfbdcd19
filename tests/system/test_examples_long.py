"""docs/examples built as their pages say, each as a project of its own outside the tree, and then tried as test_examples.py does."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import test_examples
from support.runner import main, needs_long

# Each compiles most of the tree, unless a compiler cache has it.
BUILD_TIME = 600


def build(test, name):
    """The folder of the build of a copy of that example."""
    folder = pathlib.Path(test.enterClassContext(tempfile.TemporaryDirectory(prefix="fairlead-example-"))) / name
    shutil.copytree(test_examples.EXAMPLES / name, folder)
    for words in (["-S", ".", "-B", "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                   f"-DFAIRLEAD_SOURCE_DIR={test_examples.SOURCE_DIR}"], ["--build", "build", "-j", str(os.cpu_count())]):
        done = subprocess.run(["cmake", *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=BUILD_TIME)
        if done.returncode != 0:
            raise AssertionError(done.stdout[-4000:])
    return folder / "build"


@needs_long
class TheServiceOutsideTheTree(test_examples.TheService):
    @classmethod
    def setUpClass(cls):
        cls.built = build(cls, "service")

    def program(self):
        return self.built / "fairlead" / "bin" / "fairleadd"


@needs_long
class TheClientOutsideTheTree(test_examples.TheClient):
    @classmethod
    def setUpClass(cls):
        cls.built = build(cls, "client")

    def program(self):
        return self.built / "questions"


def load_tests(loader, _tests, _pattern):
    suite = loader.loadTestsFromTestCase(TheServiceOutsideTheTree)
    suite.addTests(loader.loadTestsFromTestCase(TheClientOutsideTheTree))
    return suite


if __name__ == "__main__":
    main()
