"""Of twenty comparisons each way, nineteen are right: what ctest runs with the label `long`, and only with FAIRLEAD_LONG=1."""
import test_bench_compare
from support.runner import main, needs_long

TIMES, RIGHT = 20, 19


@needs_long
class TwentyComparisons(test_bench_compare.Compare):
    load = ("-c", "50", "-d", "300ms", "--rounds", "10")

    def count(self, comparison, code):
        codes = [comparison().code for _ in range(TIMES)]
        print(f"exit statuses {codes}")
        self.assertGreaterEqual(codes.count(code), RIGHT, codes)

    def test_the_same_server(self):
        self.count(self.of_the_same, 0)

    def test_a_slower_server(self):
        self.count(self.of_a_slower_one, 97)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(TwentyComparisons)


if __name__ == "__main__":
    main()
