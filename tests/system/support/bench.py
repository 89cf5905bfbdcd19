"""fairlead bench, run to its end, and what it says of it."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from .client import ENVIRONMENT, fairlead
from .daemon import binary

# A pace at which no machine that runs tests is too slow for the test itself, so that its verdict does not depend on that.
GENTLE = ("-r", "200")


class BenchTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-bench-")))

    def bench(self, *words, environment=None):
        """Runs it; the result with its `report`, as --json writes it, or None. What it may exit with depends on its verdict
        and so on the machine: who means a certain code asks for a gentle load."""
        path = self.folder / "report.json"
        path.unlink(missing_ok=True)
        result = fairlead("bench", "-q", "--json", str(path), *words, environment=environment)
        result.report = json.loads(path.read_bytes()) if path.exists() else None
        return result

    def report(self, *words):
        """What was measured."""
        result = self.bench(*words)
        self.assertIsNotNone(result.report, f"exit status {result.code}: {result.err}")
        return result.report

    def begin(self, *words, **options):
        """Starts it, with options of Popen, for the test to interfere with; killed at the test's end if it still runs."""
        process = subprocess.Popen([binary("fairlead"), "bench", *words], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        process.kill()
        process.communicate()

    def assert_counts(self, report, **wanted):
        """Of the run: `sent`, `done`, any error or mismatch by name. Errors and mismatches that are not named are 0."""
        counts = report["counts"]
        found = {name: counts[name] for name in ("sent", "done") if name in wanted} | \
            {name: number for kind in ("errors", "mismatches") for name, number in counts[kind].items()
             if number or name in wanted}
        self.assertEqual(wanted, found)
