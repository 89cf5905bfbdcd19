#include "client/bench/workload/arrivals.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace fairlead {
namespace {

using namespace std::chrono_literals;

TEST(Arrivals, AreEvenlySpacedInOneStage) {
  const Arrivals arrivals({{10s, 100}}, 0s);
  EXPECT_EQ(arrivals.total(), 1000U);
  EXPECT_EQ(arrivals.length(), 10s);
  EXPECT_EQ(arrivals.due(0), 0ns);
  EXPECT_EQ(arrivals.due(1), 10ms);
  EXPECT_EQ(arrivals.due(999), 9990ms);
  EXPECT_EQ(arrivals.due(1000), BenchDuration::max());
}

TEST(Arrivals, DoNotDriftInADayAtAMillionASecond) {
  const Arrivals arrivals({{24h, 1e6}}, 0s);
  EXPECT_EQ(arrivals.total(), 86'400'000'000U);
  for (const std::uint64_t n : {1ULL, 3'600'000'001ULL, 43'199'999'999ULL, 86'399'999'999ULL}) {
    EXPECT_EQ(arrivals.due(n), BenchDuration(n * 1000));
    EXPECT_EQ(arrivals.count_until(BenchDuration(n * 1000)), n);
    EXPECT_EQ(arrivals.count_until(BenchDuration(n * 1000 + 1)), n + 1);
  }
}

TEST(Arrivals, RiseOverTheRamp) {
  const Arrivals arrivals({{10s, 1000}}, 4s);
  EXPECT_EQ(arrivals.total(), 2000U + 6000U);
  // A quarter of the ramp's messages come in its first half.
  EXPECT_EQ(arrivals.count_until(2s), 500U);
  EXPECT_EQ(arrivals.due(500), 2s);
  EXPECT_EQ(arrivals.due(2000), 4s);
  EXPECT_EQ(arrivals.due(2001), 4001ms);
}

TEST(Arrivals, RiseAndFallWithinAStage) {
  const Arrivals rising({{10s, 100, 300}}, 0s);
  EXPECT_EQ(rising.total(), 2000U);
  EXPECT_EQ(rising.count_until(5s), 750U);
  EXPECT_EQ(rising.due(750), 5s);
  const Arrivals falling({{10s, 300, 100}}, 0s);
  EXPECT_EQ(falling.total(), 2000U);
  EXPECT_EQ(falling.count_until(5s), 1250U);
  const Arrivals to_nothing({{2s, 10, 0}, {1s, 5}}, 0s);
  EXPECT_EQ(to_nothing.total(), 15U);
  EXPECT_EQ(to_nothing.due(10), 2s);
}

TEST(Arrivals, EndTheRampWithTheFirstStage) {
  const Arrivals arrivals({{2s, 100}, {1s, 100}}, 1h);
  EXPECT_EQ(arrivals.total(), 100U + 100U);
  EXPECT_EQ(arrivals.due(100), 2s);
}

// In doubles, 30 s at one a second are a little more than 30 messages.
TEST(Arrivals, CountNoMessageForARoundingError) {
  EXPECT_EQ(Arrivals({{30s, 1}}, 0s).total(), 30U);
  EXPECT_EQ(Arrivals({{10s, 1.1}, {10s, 1.1}}, 0s).total(), 22U);
}

TEST(Arrivals, PauseWhereTheRateIsNone) {
  const Arrivals arrivals({{30s, 1}, {60s, 0}, {1s, 10}}, 0s);
  EXPECT_EQ(arrivals.total(), 40U);
  EXPECT_EQ(arrivals.due(29), 29s);
  EXPECT_EQ(arrivals.due(30), 90s);
  EXPECT_EQ(arrivals.count_until(89s), 30U);
}

TEST(Arrivals, AreNoneWithoutARate) {
  EXPECT_EQ(Arrivals({}, 0s).total(), 0U);
  EXPECT_EQ(Arrivals({}, 0s).due(0), BenchDuration::max());
  const Arrivals silent({{1s, 0}}, 500ms);
  EXPECT_EQ(silent.total(), 0U);
  EXPECT_EQ(silent.count_until(1s), 0U);
  EXPECT_EQ(silent.length(), 1s);
}

TEST(Arrivals, CountTheMessageThatBeginsBeforeTheEnd) {
  const Arrivals arrivals({{1s, 2.5}}, 0s);
  EXPECT_EQ(arrivals.total(), 3U);
  EXPECT_EQ(arrivals.due(2), 800ms);
}

TEST(Arrivals, AreWithinTheRunHoweverTheyAreRounded) {
  const Arrivals arrivals({{1000ns, 1e9 / 999.7}}, 0s);
  EXPECT_EQ(arrivals.total(), 2U);
  EXPECT_EQ(arrivals.due(1), 999ns);
  EXPECT_EQ(arrivals.count_until(1000ns), 2U);
}

TEST(Arrivals, MayComeSeveralInANanosecond) {
  const Arrivals arrivals({{100ns, 5e9}}, 50ns);
  for (BenchDuration time{0}; time < 100ns; ++time) {
    const std::uint64_t count = arrivals.count_until(time);
    if (count > 0) {
      EXPECT_LT(arrivals.due(count - 1), time);
    }
    EXPECT_GE(arrivals.due(count), time);
  }
}

struct Plan {
  std::vector<Stage> stages;
  BenchDuration ramp{0};
};

Plan random_plan(std::mt19937_64& random) {
  Plan plan;
  for (std::size_t i = 1 + random() % 4; i > 0; --i) {
    const double rate =
        random() % 5 == 0 ? 0 : std::pow(10, static_cast<double>(random() % 700) / 100);
    plan.stages.push_back({BenchDuration(1 + random() % 20'000'000'000), rate});
  }
  if (random() % 2 == 0) plan.ramp = BenchDuration(random() % 10'000'000'000);
  return plan;
}

TEST(Arrivals, RiseAndAreTheInverseOfTheirCount) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    const Plan plan = random_plan(random);
    const Arrivals arrivals(plan.stages, plan.ramp);
    EXPECT_EQ(arrivals.count_until(arrivals.length()), arrivals.total()) << "seed " << seed;
    for (int i = 0; i < 200 && arrivals.total() > 1; ++i) {
      const std::uint64_t n = random() % (arrivals.total() - 1);
      const BenchDuration due = arrivals.due(n);
      EXPECT_LT(due, arrivals.length()) << "seed " << seed;
      EXPECT_LE(due, arrivals.due(n + 1)) << "seed " << seed;
      EXPECT_LE(arrivals.count_until(due), n) << "seed " << seed;
      EXPECT_GT(arrivals.count_until(due + 1ns), n) << "seed " << seed;

      const BenchDuration time(random() % static_cast<std::uint64_t>(arrivals.length().count()));
      const std::uint64_t count = arrivals.count_until(time);
      if (count > 0) {
        EXPECT_LT(arrivals.due(count - 1), time) << "seed " << seed;
      }
      EXPECT_GE(arrivals.due(count), time) << "seed " << seed;
    }
  }
}

TEST(Arrivals, KeepTheRateOfEachStage) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    const Plan plan = random_plan(random);
    const Arrivals arrivals(plan.stages, plan.ramp);
    BenchDuration begin{0}, ramp = plan.ramp;
    for (const Stage& stage : plan.stages) {
      ramp = std::min(ramp, stage.length);
      const auto seconds = std::chrono::duration<double>(stage.length - ramp / 2.0).count();
      const auto count = arrivals.count_until(begin + stage.length) - arrivals.count_until(begin);
      EXPECT_NEAR(static_cast<double>(count), stage.rate * seconds, 1.01) << "seed " << seed;
      begin += stage.length;
      ramp = 0ns;
    }
  }
}

Load open_loop(std::uint64_t messages, BenchDuration warmup) {
  return {.stages = {{.length = 10s, .rate = 100}}, .messages = messages, .warmup = warmup};
}

TEST(IntendedRate, IsTheOneBehindTheWarmUp) {
  EXPECT_DOUBLE_EQ(intended_rate(open_loop(0, 2s), 10s), 100);
  EXPECT_DOUBLE_EQ(intended_rate(open_loop(0, 2s), 1s), 0);  // interrupted within it
}

TEST(IntendedRate, EndsWithTheLastMessageAndNotWithItsReply) {
  for (const BenchDuration length : {100ms, 195ms, 1000ms, 9000ms})
    EXPECT_DOUBLE_EQ(intended_rate(open_loop(20, 0s), length), 100);
}

TEST(IntendedRate, IsNotMadeOfWholeMessages) {
  EXPECT_DOUBLE_EQ(intended_rate({.stages = {{.length = 500ms, .rate = 3}}}, 500ms), 3);
  EXPECT_DOUBLE_EQ(intended_rate({.stages = {{.length = 1ms, .rate = 1}}}, 1ms), 1);
  EXPECT_DOUBLE_EQ(
      intended_rate({.stages = {{.length = 1s, .rate = 10}, {.length = 3s, .rate = 30}}}, 4s), 25);
}

TEST(Arrivals, OwnATimeToTheLast) {
  const Arrivals thirds({{.length = 500ms, .rate = 3}}, 0s);
  EXPECT_EQ(thirds.total(), 2U);
  EXPECT_EQ(thirds.owned(1), 333'333'333ns);
  EXPECT_EQ(thirds.owned(2), 666'666'666ns);
  const Arrivals paused({{.length = 500ms, .rate = 3}, {.length = 1s, .rate = 0}}, 0s);
  EXPECT_EQ(paused.owned(2), 1500ms);
}

}  // namespace
}  // namespace fairlead
