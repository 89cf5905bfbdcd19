"""What every test of `fairlead get` needs: a folder that is served, a folder that is fetched into, and the command between them."""
import hashlib
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import unittest

from .client import ENVIRONMENT, Result
from .daemon import Daemon, binary
from .injection import traced
from .waiting import DEADLINE

MIB = 1 << 20

# Every file that is stored is synced: on a disk that others write to, that would be what the tests wait for.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

CONFIG = """
[service.file]
type = file
root = {root}
{more}
[listener.main]
bind = 127.0.0.1:0
service = file
[listener.text]
bind = 127.0.0.1:0
protocol = text
service = file
"""


def some_bytes(size, seed=0):
    """Bytes that no other seed has, and no two chunks of them alike."""
    return random.Random(f"{seed} {size}").randbytes(size)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class GettingTest(unittest.TestCase):
    """`root` is served by `daemon` once serve() was called; get() runs in `target`. Both lie in `base`, in memory or on a disk."""
    folder = MEMORY

    def setUp(self):
        self.base = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-get-", dir=self.folder)))
        self.root, self.target = self.base / "root", self.base / "target"
        self.root.mkdir()
        self.target.mkdir()

    # ---- The server's side

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return content

    def serve(self, more=""):
        """`more`: keys of the service."""
        self.daemon = self.enterContext(Daemon(CONFIG.format(root=self.root, more=more)))
        return self.daemon

    def address(self, listener="main"):
        host, port = self.daemon.address(listener)
        return f"{host}:{port}"

    # ---- The client's side

    def start(self, *arguments, under=(), **options):
        """A process, started by another program where `under` says so; the options are Popen's."""
        process = subprocess.Popen([*under, binary("fairlead"), "get", *arguments], env=traced(ENVIRONMENT) if under else ENVIRONMENT, **{
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.target, **options})
        self.addCleanup(self.end, process)
        return process

    def finish(self, process, patience=DEADLINE):
        """Waits for the end, that many seconds at most; its Result."""
        out, err = process.communicate(timeout=patience)
        return Result(subprocess.CompletedProcess(process.args, process.returncode, out, err))

    @staticmethod
    def end(process):
        """It is gone, whatever it was doing."""
        process.kill()
        process.communicate()

    def get(self, *arguments, patience=DEADLINE, **options):
        return self.finish(self.start(*arguments, **options), patience)

    def empty_target(self):
        shutil.rmtree(self.target)
        self.target.mkdir()

    # ---- What has to hold

    def assert_fetched(self, result, expected):
        """It has ended well, and the target holds what assert_stored() says."""
        self.assertEqual((0, b""), (result.code, result.out), result.err)
        self.assert_stored(expected)

    def assert_stored(self, expected):
        """The target holds these files, byte for byte, and nothing else. Names may have folders in front."""
        found = {str(path.relative_to(self.target)): sha256(path.read_bytes())
                 for path in self.target.rglob("*") if path.is_file() or path.is_symlink()}
        self.assertEqual({name: sha256(content) for name, content in expected.items()}, found)

    def assert_failed(self, result, code):
        """With that exit code, and one line that says why."""
        self.assertEqual(code, result.code, result.err)
        self.assertRegex(result.err, r"\Afairlead: [^\n]+\n\Z")
