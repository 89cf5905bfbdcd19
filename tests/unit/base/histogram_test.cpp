#include "common/base/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace fairlead {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.quantile(0.5), 0u);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 2000; ++value) histogram.record(value);
  EXPECT_EQ(histogram.quantile(0), 1u);
  EXPECT_EQ(histogram.quantile(0.5), 1000u);
  EXPECT_EQ(histogram.quantile(0.99), 1980u);
  EXPECT_EQ(histogram.quantile(1), 2000u);
  EXPECT_EQ(histogram.mean(), 1000.5);
}

TEST(Histogram, ACoarseOneIsExactToASixtyFourth) {
  CoarseHistogram histogram;
  for (std::uint64_t value = 1; value <= 100'000; ++value) histogram.record(value);
  EXPECT_GE(histogram.quantile(0.5), 50'000u);
  EXPECT_LE(histogram.quantile(0.5), 50'000u + 50'000u / 64);
}

// Each value of each doubling's edges lies in exactly one bucket, which is narrow enough.
TEST(Histogram, EveryValueHasABucketOfAThousandthAtMost) {
  for (unsigned bit = 0; bit <= 32; ++bit) {
    const std::uint64_t edge = std::uint64_t{1} << bit;
    for (const std::uint64_t value : {edge - 1, edge, edge + 1, edge + edge / 3}) {
      if (value > Histogram::kValueMax) continue;
      Histogram histogram;
      histogram.record(value);
      histogram.each([value](std::uint64_t least, std::uint64_t greatest, std::uint64_t times) {
        EXPECT_EQ(times, 1u);
        EXPECT_LE(least, value);
        EXPECT_GE(greatest, value);
        EXPECT_LE((greatest - least) * 1000, std::max<std::uint64_t>(value, 1));
      });
    }
  }
}

TEST(Histogram, QuantilesAreThoseOfTheSortedValuesWithThreeDigits) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    Histogram histogram;
    std::vector<std::uint64_t> values(1 + random() % 5000);
    for (auto& value : values) {
      value = random() >> (32 + random() % 32);
      histogram.record(value);
    }
    std::ranges::sort(values);
    for (const double share : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = std::max<std::size_t>(
          1, static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size()))));
      const std::uint64_t exact = values[rank - 1];
      const std::uint64_t told = histogram.quantile(share);
      EXPECT_GE(told, exact) << "seed " << seed;
      EXPECT_LE(told, exact + exact / 1000) << "seed " << seed;
    }
    EXPECT_EQ(histogram.min(), values.front());
    EXPECT_EQ(histogram.max(), values.back());
  }
}

TEST(Histogram, WhatIsAboveCountsAsTheGreatest) {
  Histogram histogram;
  histogram.record(~std::uint64_t{0});
  EXPECT_EQ(histogram.max(), Histogram::kValueMax);
  EXPECT_EQ(histogram.quantile(0.5), Histogram::kValueMax);
}

TEST(Histogram, MergedIsAsIfOneHadSeenAll) {
  std::mt19937_64 random(7);
  Histogram one, other, both;
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t value = random() % 100'000;
    const std::uint64_t times = 1 + random() % 3;
    (i % 3 == 0 ? one : other).record(value, times);
    both.record(value, times);
  }
  one += other;
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.mean(), both.mean());
  EXPECT_EQ(one.min(), both.min());
  EXPECT_EQ(one.max(), both.max());
  for (int percent = 0; percent <= 100; ++percent)
    EXPECT_EQ(one.quantile(percent / 100.0), both.quantile(percent / 100.0));
}

}  // namespace
}  // namespace fairlead
