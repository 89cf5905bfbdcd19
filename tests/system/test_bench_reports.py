"""What a load test leaves, read by parsers that share no line with fairlead: pages, JSON, CSV and text of made-up runs, one of
them full of hostile bytes."""
import csv
import json
import pathlib
import subprocess
import tempfile
import unittest

from support.bench_page import check
from support.daemon import binary
from support.runner import main

SAMPLES = ("open", "closed", "failed", "hostile")


def write_samples(test):
    """The folder with NAME.html, .json, .csv and .txt of each sample."""
    folder = pathlib.Path(test.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-reports-")))
    subprocess.run([binary("sample_reports"), folder], check=True)
    return folder


class Reports(unittest.TestCase):
    def setUp(self):
        self.folder = write_samples(self)

    def test_pages_are_well_formed_and_inert(self):
        for name in SAMPLES:
            with self.subTest(name):
                check(self, self.folder / f"{name}.html")

    def test_what_is_hostile_is_text_on_the_page(self):
        texts = "".join(check(self, self.folder / "hostile.html").texts)
        self.assertIn("<script>alert(1)</script>\" onload='x' &amp; ]]>\\x1b[2J\\r\\n\\xff\\xc0\\x80 \\u{202e}", texts)

    def test_the_page_has_the_figures_of_the_json(self):
        texts = "".join(check(self, self.folder / "open.html").texts)
        report = json.loads((self.folder / "open.json").read_bytes())
        p99 = report["latency"]["intended"]["quantiles"]["p99"]
        self.assertIn(f"{p99 / 1000:.1f} ms", texts)
        self.assertIn(f"{report['counts']['done']:,}", texts)

    def test_the_json_is_strict_and_ascii(self):
        def refuse(word):
            raise ValueError(word)

        for name in SAMPLES:
            with self.subTest(name):
                text = (self.folder / f"{name}.json").read_bytes().decode("ascii")
                report = json.loads(text, parse_constant=refuse)
                self.assertEqual("fairlead-bench/1", report["schema"])

    def test_the_table_agrees_with_the_json(self):
        report = json.loads((self.folder / "open.json").read_bytes())
        with open(self.folder / "open.csv", newline="", encoding="ascii") as file:
            rows = list(csv.DictReader(file, strict=True))
        self.assertEqual(len(report["series"]), len(rows))
        for second, row in zip(report["series"], rows):
            self.assertEqual(second["second"], int(row["second"]))
            self.assertEqual(second["warmup"], row["warmup"] == "1")
            self.assertEqual(second["done"], int(row["done"]))
            self.assertEqual(sum(second["errors"].values()), int(row["errors"]))
            self.assertEqual(second["errors"]["reset"], int(row["errors_reset"]))
            self.assertEqual(second["p99"], int(row["p99_us"]))

    def test_the_text_is_safe_to_print(self):
        for name in SAMPLES:
            text = (self.folder / f"{name}.txt").read_text(encoding="utf-8")
            self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


if __name__ == "__main__":
    main()
