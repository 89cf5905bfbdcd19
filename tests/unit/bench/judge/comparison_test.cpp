#include "client/bench/judge/comparison.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/bench/compared_rounds.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kP99 = static_cast<std::size_t>(CompareMetric::p99);
constexpr std::size_t kErrors = static_cast<std::size_t>(CompareMetric::errors);
constexpr std::size_t kCpu = static_cast<std::size_t>(CompareMetric::cpu);
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Targets that differ in one figure only, a value for each round.
ComparedTarget target_of(std::size_t metric, const std::vector<double>& values) {
  ComparedTarget target;
  for (const double value : values) target.rounds.emplace_back()[metric] = value;
  return target;
}

Ratio ratio_of(std::size_t metric, const std::vector<double>& first,
               const std::vector<double>& second) {
  const std::vector<ComparedTarget> targets{target_of(metric, first), target_of(metric, second)};
  return *compare(targets, 1).targets[1].ratios[metric];
}

TEST(Comparison, TakesTheMedianOfTheRoundsRatios) {
  const Ratio ratio = ratio_of(kP99, {100, 200, 400}, {110, 260, 480});  // 1.1, 1.3, 1.2
  EXPECT_DOUBLE_EQ(ratio.estimate, 1.2);
  EXPECT_DOUBLE_EQ(ratio.low, 1.1);
  EXPECT_DOUBLE_EQ(ratio.high, 1.3);
  EXPECT_DOUBLE_EQ(ratio_of(kP99, {100, 100}, {110, 130}).estimate, 1.2);
}

TEST(Comparison, CancelsDisturbancesOfWholeRounds) {
  const Ratio ratio = ratio_of(kP99, {100, 900, 150, 4000}, {120, 1080, 180, 4800});
  EXPECT_DOUBLE_EQ(ratio.low, 1.2);
  EXPECT_DOUBLE_EQ(ratio.high, 1.2);
}

TEST(Comparison, IsTheSameForTheSameSeed) {
  const auto targets = simulated({}, 1);
  const auto one = compare(targets, 5).targets[1].ratios[kP99];
  const auto other = compare(targets, 5).targets[1].ratios[kP99];
  EXPECT_EQ(one->low, other->low);
  EXPECT_EQ(one->high, other->high);
  EXPECT_LT(one->low, one->estimate);
  EXPECT_LT(one->estimate, one->high);
}

TEST(Comparison, HasTheTrueRatioInItsIntervalAlmostAlways) {
  int inside = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    const Ratio ratio = *compare(simulated({.factor = 1.5}, seed), seed).targets[1].ratios[kP99];
    if (ratio.low <= 1.5 && ratio.high >= 1.5) ++inside;
  }
  EXPECT_GE(inside, 180);
  EXPECT_LE(inside, 200);
}

TEST(Comparison, HandlesZero) {
  EXPECT_EQ(ratio_of(kErrors, {0, 0, 0}, {0, 0, 0}).estimate, 1);
  EXPECT_EQ(ratio_of(kErrors, {0, 0, 0}, {0.1, 0.1, 0.1}).estimate, kInfinity);
  EXPECT_EQ(ratio_of(kErrors, {0.1, 0.1, 0.1}, {0, 0, 0}).estimate, 0);
  EXPECT_EQ(ratio_of(kErrors, {0, 0, 0.1}, {0, 0, 0.1}).high, 1);
}

TEST(Comparison, HasNoRatioOfUnmeasuredFigures) {
  std::vector<ComparedTarget> targets{target_of(kCpu, {1, 1}), target_of(kCpu, {1, 1})};
  EXPECT_TRUE(compare(targets, 1).targets[1].ratios[kCpu].has_value());
  targets[0].rounds[1][kCpu].reset();
  EXPECT_FALSE(compare(targets, 1).targets[1].ratios[kCpu].has_value());
  EXPECT_FALSE(compare(targets, 1).targets[0].medians[kCpu].has_value());
  EXPECT_TRUE(compare(targets, 1).targets[1].medians[kCpu].has_value());
}

TEST(Comparison, ComparesEachTargetToTheFirst) {
  const std::vector<ComparedTarget> targets{target_of(kP99, {100}), target_of(kP99, {150}),
                                            target_of(kP99, {50})};
  const Comparison comparison = compare(targets, 1);
  EXPECT_FALSE(comparison.targets[0].ratios[kP99].has_value());
  EXPECT_DOUBLE_EQ(comparison.targets[1].ratios[kP99]->estimate, 1.5);
  EXPECT_DOUBLE_EQ(comparison.targets[2].ratios[kP99]->estimate, 0.5);
  EXPECT_DOUBLE_EQ(*comparison.targets[2].medians[kP99], 50);
}

TEST(RoundFigures, AreThoseOfTheResult) {
  BenchResult result;
  EXPECT_FALSE(round_figures(result)[kP99].has_value());
  result.tally.actual.record(100, 980);
  result.tally.actual.record(900, 20);
  result.tally.counts.done = result.tally.done_in_time = 1000;
  result.measured_seconds = 2;
  result.server = ServerUse{.pid = 1, .cpu_seconds = 0.001};
  const RoundFigures figures = round_figures(result);
  EXPECT_EQ(figures[0], 100);
  EXPECT_EQ(figures[kP99], 900);
  EXPECT_EQ(figures[static_cast<std::size_t>(CompareMetric::p999)], std::nullopt);  // of too few
  EXPECT_EQ(figures[static_cast<std::size_t>(CompareMetric::rate)], 500);
  EXPECT_EQ(figures[kErrors], 0);
  EXPECT_EQ(figures[kCpu], 1);
}

TEST(RatioFigure, SaysTheIntervalWhereThereIsOne) {
  EXPECT_EQ(ratio_figure({1.0249, 0.98, 1.05}), "1.02 [0.98, 1.05]");
  EXPECT_EQ(ratio_figure({1.5, 1.5, 1.5}), "1.50");
  EXPECT_EQ(ratio_figure({kInfinity, 1, kInfinity}), "from 0");
  EXPECT_EQ(ratio_figure({2, 1, kInfinity}), "2.00 [1.00, inf]");
}

}  // namespace
}  // namespace fairlead
