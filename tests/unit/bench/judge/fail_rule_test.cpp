#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/bench/judge/comparison.hpp"
#include "tests/unit/bench/compared_rounds.hpp"
#include "tests/unit/bench/setting_error.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr unsigned kRuns = 200;

// In how many of kRuns simulated comparisons the rule fails.
unsigned failures_of(std::string_view rule, const SimulatedRounds& plan) {
  unsigned failed = 0;
  for (unsigned seed = 1; seed <= kRuns; ++seed)
    if (!FailRule(rule).failures(compare(simulated(plan, seed), seed)).empty()) ++failed;
  return failed;
}

std::vector<std::string> failures_of(std::string_view rule, CompareMetric metric,
                                     std::optional<Ratio> ratio,
                                     std::optional<double> separate_drift = {}) {
  Comparison comparison{.targets = {{.name = "A"}, {.name = "B"}}, .rounds = 10};
  comparison.separate_drift = separate_drift;
  comparison.targets[1].ratios[static_cast<std::size_t>(metric)] = ratio;
  return FailRule(rule).failures(comparison);
}

std::string refusal(std::string_view text) {
  return setting_error([&] { FailRule{text}; });
}

TEST(FailRule, FindsNothingBetweenAServerAndItself) {
  EXPECT_LE(failures_of("p99>+10%", {.noise = 0.1}), kRuns / 20);
  EXPECT_LE(failures_of("rate<-10%", {.noise = 0.1}), kRuns / 20);
}

TEST(FailRule, FindsAServerThatIsAFifthSlower) {
  for (const double noise : {0.05, 0.08}) {
    EXPECT_GE(failures_of("p99>+10%", {.noise = noise, .factor = 1.2}), kRuns * 19 / 20) << noise;
    EXPECT_GE(failures_of("rate<-5%", {.noise = noise, .factor = 1.2}), kRuns * 19 / 20) << noise;
  }
}

TEST(FailRule, NeedsTheEstimateBeyondTheLimitAndTheIntervalBeyondNoChange) {
  const auto p99 = CompareMetric::p99;
  EXPECT_THAT(failures_of("p99>+10%", p99, Ratio{1.2, 1.01, 1.4}),
              ElementsAre("p99>+10%: p99 of B is 1.20 [1.01, 1.40] times that of A"));
  EXPECT_THAT(failures_of("p99>+10%", p99, Ratio{1.2, 0.99, 1.4}), IsEmpty());
  EXPECT_THAT(failures_of("p99>+10%", p99, Ratio{1.09, 1.05, 1.4}), IsEmpty());
  EXPECT_THAT(failures_of("p99>+10%", p99, Ratio{0.5, 0.4, 0.6}), IsEmpty());

  const auto rate = CompareMetric::rate;
  EXPECT_THAT(failures_of("rate<-5%", rate, Ratio{0.9, 0.8, 0.99}), testing::SizeIs(1));
  EXPECT_THAT(failures_of("rate<-5%", rate, Ratio{0.9, 0.8, 1.01}), IsEmpty());
  EXPECT_THAT(failures_of("rate<-5%", rate, Ratio{0.96, 0.9, 0.99}), IsEmpty());
  EXPECT_THAT(failures_of("rate<-5%", rate, Ratio{1.5, 1.4, 1.6}), IsEmpty());
}

TEST(FailRule, AllowsForDriftBetweenSeparateRuns) {
  const auto p99 = CompareMetric::p99;
  EXPECT_THAT(failures_of("p99>+10%", p99, Ratio{1.29, 1.29, 1.29}, 0.3), IsEmpty());
  EXPECT_THAT(failures_of("p99>+10%", p99, Ratio{1.31, 1.31, 1.31}, 0.3), testing::SizeIs(1));
  EXPECT_THAT(failures_of("p99>+50%", p99, Ratio{1.31, 1.31, 1.31}, 0.3), IsEmpty());
  EXPECT_THAT(failures_of("rate<-5%", CompareMetric::rate, Ratio{0.71, 0.71, 0.71}, 0.3),
              IsEmpty());
  EXPECT_THAT(failures_of("rate<-5%", CompareMetric::rate, Ratio{0.69, 0.69, 0.69}, 0.3),
              testing::SizeIs(1));
}

TEST(FailRule, FailsWithoutAMeasurement) {
  EXPECT_THAT(failures_of("cpu>+10%", CompareMetric::cpu, std::nullopt),
              ElementsAre("cpu>+10%: cpu of B was not measured"));
}

TEST(FailRule, MayHaveABlankBeforeThePercentSign) { EXPECT_EQ(refusal("p99 > +10 %"), ""); }

TEST(FailRule, ReportsErrors) {
  EXPECT_EQ(refusal("p98>+10%"), R"("p98>+10%": there is no "p98"; did you mean "p99"?)");
  for (const auto* text : {"p99", "p99>10%", "p99>-10%", "p99<+10%", "p99>+10", "p99>+%", "p99>+x%",
                           "p99>=+10%", "p99>+-1%", "p99>+nan%", "p99>+1e1%"})
    EXPECT_EQ(refusal(text),
              '"' + std::string(text) + "\": write a name and >+N% or <-N%, such as p99>+10%");
  EXPECT_EQ(refusal(" p99.9 > +7.5% "), "");
}

}  // namespace
}  // namespace fairlead
