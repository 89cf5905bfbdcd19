"""Every close reason and every counter is raised by a test: this one runs after the others and reads what they have seen."""
import os
import pathlib
import re
import unittest

from support.daemon import SOURCE_DIR
from support.runner import main

DOCS = SOURCE_DIR / "docs"
TESTS = SOURCE_DIR / "tests"

# No test of the programs can raise these for sure, so a unit test has to: reasons, and fields of the counters.
BY_UNIT_TESTS = {
    "internal_error": "our own fault, or memory that is short at the wrong moment",
    "messages_dropped": "no service of the daemon pushes yet",
    "relieved": "it takes more memory than a test of the daemon should",
}
# Nothing raises these yet, and the page says so: a page, and the words beside the name.
NOT_IN_USE = {
    "restart": ("operations.md", "not used yet"),
    "kicked": ("operations.md", "not used yet"),
}
# A sanitizer's allocator does not tell.
HIDDEN = {"heap_in_use"} if os.environ.get("FAIRLEAD_SANITIZE") else set()
OPEN = "none"  # the reason of a session that has not ended


def table(page, heading):
    """The rows below that heading, without their rule."""
    lines = (DOCS / page).read_text(encoding="utf-8").split(heading)[1].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| ---"))
    rows = []
    for line in lines[first + 1:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def close_reasons():
    """By number."""
    return {int(row[0]): row[1].strip("`") for row in table("protocol.md", "## Close reasons")}


def counter_fields():
    return {name for row in table("operations.md", "## The counters") for name in re.findall(r"`(\w+)`", row[0])}


class EveryReason(unittest.TestCase):
    def setUp(self):
        self.reasons = close_reasons()
        folder = pathlib.Path(os.environ.get("FAIRLEAD_SEEN_DIR", "/nonexistent"))
        # A test that has been removed no longer counts, and the long ones are not always run.
        records = [folder / path.stem for path in (TESTS / "system").glob("test_*.py")
                   if not path.stem.endswith("_long") and path.name != pathlib.Path(__file__).name]
        absent = sorted(record.name for record in records if not record.exists())
        if absent:
            self.skipTest(f"all the system tests have to be run before (ctest -L system): {', '.join(absent)}")
        words = {word for record in records for word in record.read_text().split()}
        self.seen = {self.reasons.get(int(word), word) if word.isdigit() else word for word in words}

    def test_every_close_reason(self):
        self.assertGreater(len(self.reasons), 20)
        wanted = set(self.reasons.values()) - {OPEN} - set(BY_UNIT_TESTS) - set(NOT_IN_USE)
        self.assertEqual(set(), wanted - self.seen, "raised by no system test")

    def test_every_counter(self):
        fields = counter_fields()
        self.assertGreater(len(fields), 8)
        self.assertEqual(set(), fields - set(BY_UNIT_TESTS) - HIDDEN - self.seen, "0 in every system test")

    def test_those_that_only_unit_tests_can_raise(self):
        tests = "".join(path.read_text(encoding="utf-8") for path in (TESTS / "unit").glob("*/*_test.cpp")
                        if path.name != "close_reason_test.cpp")
        for name in BY_UNIT_TESTS:
            self.assertRegex(tests, rf"\b{name}\b")

    def test_those_that_are_not_in_use(self):
        self.assertEqual(set(), self.seen & set(NOT_IN_USE))
        for name, (page, words) in NOT_IN_USE.items():
            lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
            self.assertTrue(any(name in line and words in line for line in lines), f"{page} no longer says it of {name}")


if __name__ == "__main__":
    main()
