#!/usr/bin/env python3
"""Runs the tests that docs/field-reports.md names, and says which reports do not hold.

    tests/field_reports.py                      against build/release
    tests/field_reports.py --bin OLD/bin        against another build, perhaps of an older commit
    tests/field_reports.py --only 'S0.|G1'      some reports, by a regular expression
    tests/field_reports.py --check              only looks whether the tests of the page exist (the test tidy_field_reports)

A test is `MODULE Class.test_name` (tests/system; `MODULE Class` is all of it) or `PROGRAM Suite.Name` (GoogleTest). A program of an older build that does not have
the test fails it. Exit status: 0 all hold, 1 some do not.
"""
import argparse
import ast
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "field-reports.md"
SYSTEM = ROOT / "tests" / "system"
TIMEOUT = 300
TEST = re.compile(r"`((?:test_\w+|unit_\w+|integration) \S+)`")
SKIPPED = 77


def reports():
    """(id, its tests) of each row; a row without a test says why in its last cell."""
    rows = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 3 and cells[0] not in ("id", "what", "---"):
            rows.append((cells[0], [tuple(test.split()) for test in TEST.findall(cells[2])]))
    return rows


# ---- Whether a test exists

def functions_of(module):
    """The methods of each class of a system test, with those of its bases in the same module."""
    classes = {node.name: node for node in ast.parse(module.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)}

    def names(name):
        node = classes.get(name)
        if node is None:
            return set()
        own = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        return own.union(*(names(base.id) for base in node.bases if isinstance(base, ast.Name)))
    return {name: names(name) for name in classes}


def exists(program, test):
    if program.startswith("test_"):
        module = SYSTEM / f"{program}.py"
        group, _, name = test.partition(".")
        methods = functions_of(module).get(group, ()) if module.exists() else ()
        return name in methods if name else any(method.startswith("test_") for method in methods)
    folder = ROOT / "tests" / ("integration" if program == "integration" else f"unit/{program.removeprefix('unit_')}")
    group, _, name = test.partition(".")
    wanted = re.compile(rf"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*{re.escape(group)},\s*{re.escape(name)}\)")
    sources = [*folder.rglob("*.cpp"), *(ROOT / "tests" / "contract").glob("*.hpp")]
    return any(wanted.search(source.read_text(encoding="utf-8")) for source in sources)


def check():
    rows = reports()
    problems = [f"{report}: there is no {program} {test}" for report, tests in rows for program, test in tests
                if not exists(program, test)]
    names = [report for report, _ in rows]
    problems += [f"{name}: two rows" for name in sorted({name for name in names if names.count(name) > 1})]
    print("\n".join(problems) or f"{len(rows)} reports, {sum(len(tests) for _, tests in rows)} tests")
    return 1 if problems or not rows else 0


# ---- Running them

def run_system(program, test, folder):
    words = [sys.executable, "-B", str(SYSTEM / f"{program}.py"), test]
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT,
                          env={**os.environ, "FAIRLEAD_BIN_DIR": str(folder)}, text=True, errors="replace")


def run_unit(program, test, folder):
    pattern = f"{test}:*/{test}/*"  # or an instance of it
    words = [str(folder / program), f"--gtest_filter={pattern}"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT,
                          text=True, errors="replace")
    if "Running 0 tests" in done.stdout:
        done.returncode = 1
        done.stdout += "this build does not have the test\n"
    return done


def outcome_of(program, test, folder):
    """How it ended: holds, skipped, or fails with the last line of what it said."""
    try:
        done = (run_system if program.startswith("test_") else run_unit)(program, test, folder)
    except FileNotFoundError:
        return "fails: this build has no " + program
    except subprocess.TimeoutExpired:
        return f"fails: it has not ended within {TIMEOUT} s"
    if done.returncode == 0:
        return "holds"
    if done.returncode == SKIPPED and program.startswith("test_"):
        return "skipped"
    said = [line for line in done.stdout.splitlines() if re.match(r"\w*(Error|Failure)\b", line) or "does not have the test" in line]
    return "fails: " + (said[-1][:150] if said else f"exit status {done.returncode}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "release" / "bin", help="the programs of the build")
    parser.add_argument("--only", default="", help="the ids of the reports, as a regular expression")
    parser.add_argument("--check", action="store_true", help="only look whether each test exists")
    options = parser.parse_args()
    if options.check:
        return check()
    folder = options.bin.resolve()
    seen, failed = {}, []
    for report, tests in reports():
        if not re.fullmatch(options.only or ".*", report):
            continue
        for program, test in tests:
            if (program, test) not in seen:
                seen[program, test] = outcome_of(program, test, folder)
            print(f"{report:8} {program} {test}: {seen[program, test]}", flush=True)
            if seen[program, test] != "holds":
                failed.append(report)
    failed = list(dict.fromkeys(failed))
    print(f"{len(failed)} reports do not hold: {', '.join(failed)}" if failed else "all hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
