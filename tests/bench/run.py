#!/usr/bin/env python3
"""Measures fairleadd against the floor and writes the tables of docs/performance.md.

    tests/bench/run.py --write                         everything, into the document (about twenty minutes)
    tests/bench/run.py --only echo,calls               some of it, printed
    tests/bench/run.py --only echo --against OTHER     the ratio to another fairleadd instead of the floor

Server and generator each have a core of their own, so two cores must be free of other work.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys

from cost import why_no_tracepoints
from measure import FULL, MEASUREMENTS, QUICK, Setup
from programs import PEERS, BenchError
from report import TABLES, passes_counts, with_tables

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "performance.md"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release" / "bin",
                        help="the folder of fairleadd, fairlead and the benchmark's programs")
    parser.add_argument("--daemon", type=pathlib.Path, help="another fairleadd than the one of --build")
    parser.add_argument("--against", type=pathlib.Path, help="a fairleadd to compare with, instead of the floor")
    parser.add_argument("--only", default=",".join(MEASUREMENTS), help="of " + ",".join(MEASUREMENTS))
    parser.add_argument("--quick", action="store_true", help="a few seconds that show that everything runs, no figures")
    parser.add_argument("--rounds", type=int, help="other than %d" % FULL.rounds)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--json", type=pathlib.Path, help="also write all rows to this file")
    options = parser.parse_args()
    options.only = options.only.split(",")
    unknown = set(options.only) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    if options.write and (options.quick or options.against):
        parser.error("--write wants full rounds against the floor")
    return options


def measure(options):
    """The rows of each measurement, and whether all that was asked for has been measured. One that fails leaves the others."""
    scope = QUICK if options.quick else FULL
    if options.rounds:
        scope.rounds = options.rounds
    setup = Setup(options.build, options.daemon or options.build / "fairleadd", options.against, scope,
                  lambda line: print(line, file=sys.stderr, flush=True))
    for peer in PEERS:
        if not shutil.which(peer.program):
            print(f"{peer.program} is not installed, so nothing is compared with it", file=sys.stderr)
    results, is_whole = {}, True
    for name in options.only:
        missing = why_no_tracepoints() if name == "calls" else None
        if missing:
            print(f"NOT MEASURED: system calls: {missing}", file=sys.stderr)
            continue
        try:
            results[name] = list(MEASUREMENTS[name](setup))
        except BenchError as failure:
            print(f"run.py: {name}: {failure}", file=sys.stderr)
            is_whole = False
    return results, is_whole


def main():
    options = arguments()
    if len(os.sched_getaffinity(0)) < 2:
        print("run.py: needs two cores, one for the server and one for the generator", file=sys.stderr)
        return 2
    results, is_whole = measure(options)
    tables = {name: TABLES[name](rows) for name, rows in results.items()}
    for text in tables.values():
        print(text, end="\n\n")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    if options.write:
        DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8"), tables), encoding="utf-8")
    # The only figures that no busy neighbour can spoil.
    counted = results.get("counts", []) + results.get("load_test", [])
    return 0 if is_whole and all(passes_counts(row) for row in counted) else 1


if __name__ == "__main__":
    sys.exit(main())
