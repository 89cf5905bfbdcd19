"""A hundred thousand requests in a race with a link to the outside: what ctest runs with the label `long`, and only with
FAIRLEAD_LONG=1."""
import test_files
from support.runner import main, needs_long


@needs_long
class LongRace(test_files.Race):
    requests = 100_000


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(LongRace)


if __name__ == "__main__":
    main()
