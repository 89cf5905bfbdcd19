"""Two hundred thousand of them: what ctest runs with the label `long`, and only with FAIRLEAD_LONG=1."""
import test_cycles
from support.daemon import POOLS_KEEP_MAX
from support.runner import main, needs_long


@needs_long
class TwoHundredThousand(test_cycles.Cycles):
    visits = 200000
    heap_growth_max = POOLS_KEEP_MAX


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(TwoHundredThousand)


if __name__ == "__main__":
    main()
