#include "client/api/backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fairlead {
namespace {

TEST(Backoff, WaitsLieInTheUpperHalfOfADoublingSpan) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff({.first = Duration(100), .longest = Duration(1000)}, seed);
    for (const int span : {100, 200, 400, 800, 1000, 1000, 1000}) {
      const Duration wait = backoff.next();
      EXPECT_GE(wait.count(), span / 2) << seed;
      EXPECT_LE(wait.count(), span) << seed;
    }
  }
}

TEST(Backoff, TheSameSeedGivesTheSameWaitsAndOthersDiffer) {
  const auto waits = [](std::uint64_t seed) {
    Backoff backoff({}, seed);
    std::vector<Duration> all;
    for (int i = 0; i < 8; ++i) all.push_back(backoff.next());
    return all;
  };
  EXPECT_EQ(waits(7), waits(7));
  EXPECT_NE(waits(7), waits(8));
}

TEST(Backoff, ResetStartsFromTheShortestWait) {
  Backoff backoff({.first = Duration(100), .longest = Duration(100'000)}, 1);
  for (int i = 0; i < 6; ++i) backoff.next();
  backoff.reset();
  EXPECT_LE(backoff.next(), Duration(100));
}

}  // namespace
}  // namespace fairlead
