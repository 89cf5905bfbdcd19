"""A hundred thousand requests in a race with a link to the outside, and how long small requests wait beside large ones: what ctest
runs with the label `long`, and only with FAIRLEAD_LONG=1."""
import contextlib
import os
import statistics
import struct
import subprocess
import threading
import time

import test_files
from support.client import ENVIRONMENT
from support.daemon import binary
from support.runner import main, needs_long
from support.waiting import DEADLINE
from test_files import ANY, HASH

NAMES = 100_000
LISTINGS, HASHES = 8, 2
SPARSE_BYTES = 40 << 30
SAMPLES, EVERY_SECONDS = 100, 0.02


@needs_long
class LongRace(test_files.Race):
    requests = 100_000


@needs_long
class Beside(test_files.FilesTest):
    """What users wait for, as a median: a list of a large folder, and a few bytes while others ask for much."""

    def list_names(self):
        """Of the large folder, to its end; by a client that, on a machine of its own, would take no core from the others."""
        subprocess.run([binary("fairlead"), "ls", "{}:{}".format(*self.daemon.address()), "many"], stdout=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, check=True, timeout=DEADLINE, env=ENVIRONMENT, preexec_fn=lambda: os.nice(19))

    def make_names(self):
        (self.root / "many").mkdir()
        for number in range(NAMES):
            (self.root / "many" / f"name-{number:06}").touch()

    def median_ms(self, what, work, samples=SAMPLES, is_enough=lambda: True):
        times = []
        while len(times) < samples or not is_enough():
            time.sleep(EVERY_SECONDS)
            begin = time.perf_counter()
            work(len(times))
            times.append((time.perf_counter() - begin) * 1000)
        median = statistics.median(times)
        print(f"{what}: median of {len(times)} {median:.2f} ms, greatest {max(times):.2f} ms", flush=True)
        return median

    def test_a_listing(self):
        self.make_names()
        self.start()
        self.assertLess(self.median_ms(f"{NAMES} names listed", lambda _: self.list_names(), samples=7), 1000)

    def test_a_byte_beside_listings(self):
        self.make_names()
        self.write("byte", b"1")
        self.start()
        client = self.client()
        is_over, listed = threading.Event(), []

        def list_on():
            while not is_over.is_set():
                self.list_names()
                listed.append(None)
        threads = [threading.Thread(target=list_on) for _ in range(LISTINGS)]
        with contextlib.ExitStack() as stack:
            for thread in threads:
                stack.callback(thread.join)
            stack.callback(is_over.set)
            for thread in threads:
                thread.start()
            median = self.median_ms(f"1 byte beside {LISTINGS} listings", lambda _: self.assertEqual(b"1", client.get(b"byte")),
                                    is_enough=lambda: len(listed) >= 2 * LISTINGS)
        self.assertLess(median, 10)

    def test_a_short_file_beside_hashes(self):
        """Each sample is a file of its own, whose hash is not known yet."""
        for number in range(SAMPLES):
            self.write(f"short-{number}", b"inside")
        for number in range(HASHES):
            with open(self.root / f"sparse-{number}", "wb") as sparse:
                sparse.truncate(SPARSE_BYTES)
        self.start()
        hashing = [self.client() for _ in range(HASHES)]
        for number, client in enumerate(hashing):
            client.ask_for(HASH, struct.pack(">QI", 0, 0) + ANY + f"sparse-{number}".encode())
        client = self.client()

        def fetch(number):
            name = f"short-{number}".encode()
            self.assertEqual(b"inside", client.get(name))
            client.hashes(name)
        median = self.median_ms(f"6 bytes, hashed and fetched, beside {HASHES} first hashes of 40 GiB", fetch)
        for one in hashing:
            one.socket.setblocking(False)
            with self.assertRaises(BlockingIOError, msg="it was hashed before the last sample"):
                one.socket.recv(1)
        self.assertLess(median, 100)


def load_tests(loader, _tests, _pattern):
    suite = loader.suiteClass()
    suite.addTests(loader.loadTestsFromTestCase(case) for case in (LongRace, Beside))
    return suite


if __name__ == "__main__":
    main()
