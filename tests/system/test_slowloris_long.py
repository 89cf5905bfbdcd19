"""Ten thousand slow clients: what ctest runs with the label `long`, and only with FAIRLEAD_LONG=1."""
import test_slowloris
from support.runner import main, needs_long


@needs_long
class TenThousand(test_slowloris.Slowloris):
    clients = 10000


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(TenThousand)


if __name__ == "__main__":
    main()
