"""The same rounds a hundred times: what ctest runs with the label `long`, and only with FAIRLEAD_LONG=1."""
import test_get_misery
from support.runner import main, needs_long


@needs_long
class AHundredTimes(test_get_misery.Misery):
    rounds = 100


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(AHundredTimes)


if __name__ == "__main__":
    main()
