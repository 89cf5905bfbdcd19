"""The same agreement in more rounds: what ctest runs with the label `long`, and only with FAIRLEAD_LONG=1."""
import test_bench_honesty
from support.runner import main, needs_long


@needs_long
class InManyRounds(test_bench_honesty.Honesty):
    rounds = 30
    agree_us = 200


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(InManyRounds)


if __name__ == "__main__":
    main()
