"""Runs a module's tests for ctest: a skip is told by the exit status, so that it is seen."""
import os
import signal
import sys
import unittest

EXIT_SKIPPED = 77  # SKIP_RETURN_CODE in tests/CMakeLists.txt

needs_long = unittest.skipUnless(os.environ.get("FAIRLEAD_LONG") == "1", "takes long: set FAIRLEAD_LONG=1")


def release_only(test):
    """For a test of what a program with a sanitizer cannot show: it is none of that build's tests, and so is not skipped."""
    return None if os.environ.get("FAIRLEAD_SANITIZE") else test


def main():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup(1) has it ignored, and programs inherit that
    program = unittest.main(module="__main__", verbosity=2, exit=False)
    result = program.result
    for test, why in result.skipped:
        print(f"SKIPPED {test}: {why}", flush=True)
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    sys.exit(EXIT_SKIPPED if result.skipped else 0)
