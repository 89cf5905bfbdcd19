"""The same crowds for longer: what ctest runs with the label `long`, and only with FAIRLEAD_LONG=1."""
import test_many
from support.runner import main, needs_long


@needs_long
class ForLonger(test_many.TenThousandAtOnce):
    def test_each_gets_the_reply_to_each_of_its_messages(self):
        self.check_crowd("main", test_many.lines_and_lengths, rounds=50)

    def test_with_a_listening_socket_for_each_thread(self):
        self.check_crowd("main", test_many.lines_and_lengths, rounds=20, config="[server]\naccept = reuseport\n")


@needs_long
class AHundredThousandOneAfterTheOther(test_many.TenThousandOneAfterTheOther):
    visits = 10 * test_many.MANY


def load_tests(loader, _tests, _pattern):
    suite = loader.loadTestsFromTestCase(ForLonger)
    suite.addTests(loader.loadTestsFromTestCase(AHundredThousandOneAfterTheOther))
    return suite


if __name__ == "__main__":
    main()
