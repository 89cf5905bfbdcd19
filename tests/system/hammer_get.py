#!/usr/bin/env python3
"""Plays the rounds of test_get_misery.py a thousand times, or those that are asked for: a failure names its seed and its round.

FAIRLEAD_BIN_DIR=build/release/bin tests/system/hammer_get.py
FAIRLEAD_BIN_DIR=build/release/bin tests/system/hammer_get.py --seed 7 --first 418 --rounds 1 test_resets
"""
import argparse
import secrets
import sys
import unittest

from test_get_misery import Misery


def main():
    loader = unittest.TestLoader()
    names = loader.getTestCaseNames(Misery)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="what every round is drawn from; another one each time")
    parser.add_argument("--first", type=int, default=0, metavar="ROUND")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("tests", nargs="*", metavar="TEST", default=names, help=", ".join(names))
    asked = parser.parse_args()
    if unknown := set(asked.tests) - set(names):
        parser.error(f"no such test: {', '.join(sorted(unknown))}")
    Misery.seed, Misery.first_round, Misery.rounds = asked.seed, asked.first, asked.rounds
    print(f"seed {asked.seed}, {asked.rounds} rounds from {asked.first}", flush=True)
    tests = unittest.TestSuite(Misery(name) for name in asked.tests)
    return 0 if unittest.TextTestRunner(verbosity=2).run(tests).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
