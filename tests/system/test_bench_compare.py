"""fairlead bench compare: the same server twice shows no regression, one that is slower by a fifth is found."""
import json
import os
import re
import threading

from support.bench import BenchTest
from support.client import fairlead, unused_port
from support.runner import main
from support.timed_server import TimedServer

DELAY_US, SLOWER_US = 8000, 9600  # much longer than what a busy machine adds
RULE = ("--fail-if", "p50>+10%")


class Compare(BenchTest):
    load = ("-c", "8", "-d", "300ms", "--rounds", "5")

    def compare(self, *words):
        return fairlead("bench", "compare", "-q", *words)

    def of_the_same(self):
        with TimedServer([DELAY_US]) as server:
            return self.compare(*self.load, *RULE, server.address, f"localhost:{server.port}")

    def of_a_slower_one(self):
        with TimedServer([DELAY_US]) as server, TimedServer([SLOWER_US]) as slower:
            return self.compare(*self.load, *RULE, server.address, slower.address)


class OneComparison(Compare):
    def test_the_same_server_is_no_regression(self):
        result = self.of_the_same()
        self.assertEqual(0, result.code, result.err + result.text)
        self.assertIn("5 rounds", result.text)
        ratio = re.search(r"(?m)^p50 .* (\d\.\d\d) \[", result.text)[1]
        self.assertAlmostEqual(1, float(ratio), delta=0.1)

    def test_a_slower_server_is_found(self):
        result = self.of_a_slower_one()
        self.assertEqual(97, result.code, result.err + result.text)
        self.assertRegex(result.text, r"(?m)^p50 .* worse$")
        self.assertRegex(result.err, r"^fairlead: p50>\+10%: p50 of .* times that of ")

    def test_as_markdown(self):
        with TimedServer([DELAY_US]) as server:
            result = self.compare("-c", "2", "-d", "100ms", "--rounds", "2", "--markdown", "-", server.address, server.address)
        self.assertEqual(0, result.code, result.err)
        rows = [line for line in result.text.splitlines() if line.startswith("|")]
        self.assertEqual({4}, {len(re.findall(r"(?<!\\)\|", row)) - 1 for row in rows})
        self.assertEqual(["p50", "p99"], [row.split()[1] for row in rows[2:4]])
        self.assertEqual("| p99 | - | - | - |", rows[3], "of some 100 values")

    def test_as_json(self):
        with TimedServer([DELAY_US]) as server, TimedServer([3 * DELAY_US]) as slower:
            result = self.compare("-c", "4", "-d", "200ms", "--rounds", "3", *RULE, "--json", "-", server.address, slower.address)
        report = json.loads(result.text)
        self.assertEqual((97, 3), (result.code, report["rounds"]), result.err)
        self.assertEqual([server.address, slower.address], [target["name"] for target in report["targets"]])
        self.assertGreater(report["targets"][1]["ratios"]["p50"]["estimate"], 1.5)
        self.assertIn(report["failures"][0], result.err)

    def test_a_percentile_of_too_few_is_not_measured(self):
        with TimedServer([DELAY_US]) as server:
            result = self.compare("-c", "2", "-r", "50", "-d", "400ms", "--rounds", "2", "--fail-if", "p99.9>+10%", server.address,
                                  server.address)
        self.assertEqual(97, result.code, result.text)
        self.assertIn("was not measured", result.err)

    def test_somebody_who_is_not_there(self):
        with TimedServer() as server:
            result = self.compare("-c", "1", "-d", "100ms", server.address, f"127.0.0.1:{unused_port()}")
        self.assertEqual((7, ""), (result.code, result.text))


class Files(BenchTest):
    """What two runs have left is compared as what it is."""

    def compare(self, delays_us, *words):
        names = []
        for delay in delays_us:
            with TimedServer([delay]) as server:
                self.report("-c", "4", "-d", "400ms", server.address)
            names.append(str((self.folder / "report.json").rename(self.folder / f"{len(names)}.json")))
        return fairlead("bench", "compare", *words, *names)

    def test_what_differs_a_little_is_allowed_for(self):
        result = self.compare((DELAY_US, SLOWER_US), "--fail-if", "p50>+10%")
        self.assertEqual(0, result.code, result.err)
        self.assertIn("separate runs", result.text)

    def test_what_differs_beyond_that_is_not(self):
        self.assertEqual(97, self.compare((DELAY_US, 3 * DELAY_US), "--fail-if", "p50>+10%").code)

    def test_a_name_of_any_kind_and_a_pipe(self):
        with TimedServer([DELAY_US]) as server:
            self.report("-c", "4", "-d", "400ms", server.address)
        report = (self.folder / "report.json").rename(self.folder / "yesterday")
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=lambda: pipe.write_bytes(report.read_bytes()))
        writer.start()
        result = fairlead("bench", "compare", str(report), str(pipe))
        writer.join()
        self.assertEqual(0, result.code, result.err)
        self.assertIn("separate runs", result.text)

    def test_files_that_are_no_reports(self):
        path = self.folder / "some.json"
        path.write_text("{}")
        self.assertEqual(2, fairlead("bench", "compare", str(path), str(path)).code)
        self.assertEqual(2, fairlead("bench", "compare", str(path), str(self.folder / "missing.json")).code)


if __name__ == "__main__":
    main()
