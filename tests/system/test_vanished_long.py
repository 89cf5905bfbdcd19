"""A thousand peers that vanish: what ctest runs with the label `long`, and only with FAIRLEAD_LONG=1."""
import test_vanished
from support.network import enter_own_network
from support.runner import main, needs_long


@needs_long
class AThousand(test_vanished.Vanished):
    clients = 1000

    def test_found_by_keepalive_alone(self):
        """Without user_timeout those who are owed something are the kernel's to give up, which takes it a quarter of an
        hour; here all are idle."""
        everything = test_vanished.KEEPALIVE + test_vanished.PROBES * test_vanished.PROBES_EVERY
        self.check(0, idle_within=everything, owed_within=None)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(AThousand)


if __name__ == "__main__":
    enter_own_network()
    main()
