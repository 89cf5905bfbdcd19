#include <gtest/gtest.h>

#include "client/bench/judge/result.hpp"

namespace fairlead {
namespace {

Interval interval(std::uint32_t second, std::uint64_t done) {
  Interval result{.second = second, .connections_open = 2};
  result.counts.done = done;
  result.latency.record(done, done);
  return result;
}

TEST(BenchSeries, AddsThreadsUpSecondBySecond) {
  BenchSeries series(2, std::chrono::milliseconds(1500));
  series.add(0, interval(0, 1));
  EXPECT_FALSE(series.take());
  series.add(0, interval(1, 2));
  series.add(1, interval(0, 10));
  const auto first = series.take();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->second, 0U);
  EXPECT_EQ(first->counts.done, 11U);
  EXPECT_EQ(first->max, 10U);
  EXPECT_EQ(first->connections_open, 4U);
  EXPECT_TRUE(first->is_warmup);
  EXPECT_FALSE(series.take());

  series.add(1, interval(1, 20));
  EXPECT_TRUE(series.take()->is_warmup);  // a part of it is
  EXPECT_EQ(series.totals().counts.done, 0U);
  series.add(0, interval(2, 3));
  series.add(1, interval(2, 30));
  EXPECT_FALSE(series.take()->is_warmup);
  EXPECT_EQ(series.totals().counts.done, 33U);
  EXPECT_EQ(series.totals().latency.count(), 33U);
}

TEST(BenchSeries, DoesNotWaitForEndedThreads) {
  BenchSeries series(2, BenchDuration(0));
  series.add(0, interval(0, 1));
  series.end(1);
  EXPECT_EQ(series.take()->counts.done, 1U);
  series.add(0, interval(1, 2));
  EXPECT_EQ(series.take()->counts.done, 2U);
}

}  // namespace
}  // namespace fairlead
