#include "client/bench/stats/tally.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fairlead {
namespace {

// Made of mismatches with these numbers, in that order.
Tally tally_of(const std::vector<std::uint64_t>& numbers) {
  Tally tally;
  for (const std::uint64_t number : numbers)
    keep_first(tally.first_mismatches, Mismatch{.number = number});
  return tally;
}

std::vector<std::uint64_t> numbers_of(const Tally& tally) {
  std::vector<std::uint64_t> numbers;
  for (const Mismatch& mismatch : tally.first_mismatches) numbers.push_back(mismatch.number);
  return numbers;
}

TEST(Tally, KeepsTheFirstMismatchesOfAllThreads) {
  using Numbers = std::vector<std::uint64_t>;
  EXPECT_EQ(numbers_of(tally_of({9, 2, 7, 8, 3})), (Numbers{2, 3, 7}));
  EXPECT_EQ(numbers_of(tally_of({1, 2, 3, 4})), (Numbers{1, 2, 3}));
  Tally one = tally_of({7});
  one += tally_of({8, 3});
  EXPECT_EQ(numbers_of(one), (Numbers{3, 7, 8}));
  one += tally_of({1, 9});
  EXPECT_EQ(numbers_of(one), (Numbers{1, 3, 7}));
  one += Tally();
  EXPECT_EQ(numbers_of(one), (Numbers{1, 3, 7}));
}

TEST(Tally, AddsEveryCounter) {
  Tally one;
  one.counts.errors[static_cast<std::size_t>(BenchError::reset)] = 2;
  one.counts.done = 5;
  one.intended.record(100);
  Tally other = one;
  other += one;
  EXPECT_EQ(other.counts.all_errors(), 4U);
  EXPECT_EQ(other.counts.done, 10U);
  EXPECT_EQ(other.intended.count(), 2U);
}

}  // namespace
}  // namespace fairlead
