#include "client/bench/stats/tally.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(Tally, KeepsTheEarliestMismatchOfTwoThreads) {
  Tally one;
  one.first_mismatch = Mismatch{.number = 7};
  Tally other;
  other.first_mismatch = Mismatch{.number = 3};
  one += other;
  EXPECT_EQ(one.first_mismatch->number, 3U);
  other += one;
  EXPECT_EQ(other.first_mismatch->number, 3U);
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
