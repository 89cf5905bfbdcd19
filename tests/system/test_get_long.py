"""fairlead get of very much and of very many: what ctest runs with the label `long`, and only with FAIRLEAD_LONG=1."""
import contextlib
import hashlib
import shutil

from support.daemon import connect
from support.getting import MIB, GettingTest, some_bytes
from support.runner import main, needs_long
from support.worker import Worker
from test_files import FileClient

SMALL_FILES = 10_000
CONNECTIONS = 1000
WORKERS = 4


def small(number):
    return some_bytes(1024, number)


def _fetch(address, numbers, pipe):
    """A connection for each of the numbers, all open at once; each fetches its share of the small files."""
    with contextlib.ExitStack() as open_clients:
        clients = {number: open_clients.enter_context(FileClient(connect(address))) for number in numbers}
        pipe.send("connected")
        pipe.recv()
        for first in range(0, SMALL_FILES, CONNECTIONS):
            for number, client in clients.items():
                if client.get(b"many/%d" % (first + number)) != small(first + number):
                    raise AssertionError(f"file {first + number} is another")
        pipe.send("done")


@needs_long
class VeryMuch(GettingTest):
    folder = None

    def test_beyond_four_gib(self):
        size = 4096 * MIB + 1
        if shutil.disk_usage(self.base).free < 2 * size:
            self.skipTest("the disk has no room for it")
        with open(self.root / "sparse", "wb") as sparse:
            for at in 5, 2048 * MIB + 7, size - 1:
                sparse.seek(at)
                sparse.write(b"!")
        self.serve()
        result = self.get("--split", "2", self.address(), "sparse", patience=600)
        self.assertEqual(0, result.code, result.err)
        digests = []
        for folder in self.root, self.target:
            with open(folder / "sparse", "rb") as file:
                digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        self.assertEqual(digests[0], digests[1])
        self.assertEqual(["sparse"], [path.name for path in self.target.iterdir()])


@needs_long
class VeryMany(GettingTest):
    def test_very_many_small_files_on_one_connection(self):
        self.write_small_files()
        result = self.get("-q", "-r", "-j", "1", self.address(), "many", patience=600)
        self.assertEqual(0, result.code, result.err)
        self.assert_stored({f"many/{number}": small(number) for number in range(SMALL_FILES)})
        self.daemon.stop()
        self.assertLessEqual(self.daemon.events("counters")[-1]["accepted"], 2, "one lists, one fetches")

    def test_very_many_small_files_on_a_thousand_connections(self):
        self.write_small_files()
        with contextlib.ExitStack() as open_workers:
            workers = [open_workers.enter_context(Worker(_fetch, self.daemon.address(), range(first, CONNECTIONS, WORKERS)))
                       for first in range(WORKERS)]
            for worker in workers:
                worker.hear()
            for worker in workers:
                worker.tell()
            for worker in workers:
                self.assertEqual("done", worker.hear())

    def write_small_files(self):
        for number in range(SMALL_FILES):
            self.write(f"many/{number}", small(number))
        self.serve()


if __name__ == "__main__":
    main()
