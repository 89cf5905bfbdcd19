"""What the documents promise in tables: a test that reads it from there holds for what is added."""
import re

from .daemon import SOURCE_DIR

DOCS = SOURCE_DIR / "docs"


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
