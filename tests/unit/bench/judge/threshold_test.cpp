#include "client/bench/judge/threshold.hpp"

#include <gtest/gtest.h>

#include "tests/unit/bench/setting_error.hpp"

namespace fairlead {
namespace {

std::string refusal(std::string_view text) {
  return setting_error([&] { Threshold{text}; });
}

// 10,000 latencies of 1 to 10,000 us, in 10 seconds.
BenchResult some_result() {
  BenchResult result;
  for (std::uint64_t i = 1; i <= 10'000; ++i) result.tally.actual.record(i);
  for (std::uint64_t i = 1; i <= 1000; ++i) result.tally.connect.record(50 * i);
  result.tally.counts.done = result.tally.done_in_time = 10'000;
  result.measured_seconds = 10;
  return result;
}

bool is_met(std::string_view text, const BenchResult& result = some_result()) {
  return Threshold(text).judge(result).met;
}

TEST(Threshold, HoldsTimesAgainstEveryOperator) {
  EXPECT_TRUE(is_met("max<10.001ms"));
  EXPECT_FALSE(is_met("max<10ms"));
  EXPECT_TRUE(is_met("max<=10ms"));
  EXPECT_TRUE(is_met("max>=10ms"));
  EXPECT_FALSE(is_met("max>10ms"));
  EXPECT_TRUE(is_met("max==10ms"));
  EXPECT_FALSE(is_met("max==11ms"));
  EXPECT_TRUE(is_met(" mean == 5000.5us "));
}

TEST(Threshold, KnowsAnyPercentileOfEachLatency) {
  EXPECT_TRUE(is_met("p50<5.01ms"));
  EXPECT_FALSE(is_met("p50<4.99ms"));
  EXPECT_TRUE(is_met("p99.9<10ms"));
  EXPECT_FALSE(is_met("p99.9<9.9ms"));
  EXPECT_TRUE(is_met("p12.5<1.26ms"));
  EXPECT_TRUE(is_met("connect_p99<50ms"));
  EXPECT_FALSE(is_met("connect_max<50ms"));

  BenchResult open = some_result();
  open.is_open_loop = true;
  for (int i = 0; i < 10'000; ++i) open.tally.intended.record(1'000'000);
  EXPECT_FALSE(is_met("p50<5.01ms", open));
  EXPECT_TRUE(is_met("actual_p50<5.01ms", open));
}

TEST(Threshold, IsNotMetByAPercentileOfTooFewValues) {
  const BenchResult result = some_result();
  EXPECT_TRUE(is_met("p99.9<1s", result));
  const ThresholdOutcome outcome = Threshold("p99.99<1s").judge(result);
  EXPECT_FALSE(outcome.met);
  EXPECT_EQ(outcome.note, "such a percentile needs 100,000 values, and there are 10,000");
  EXPECT_EQ(outcome.figure, "10.0 ms");
}

TEST(Threshold, CountsErrorsAndWrongReplies) {
  BenchResult result = some_result();
  EXPECT_TRUE(is_met("errors==0", result));
  EXPECT_TRUE(is_met("mismatch==0", result));
  result.tally.counts.errors[0] = 10;
  result.tally.counts.mismatches[0] = 1;
  EXPECT_FALSE(is_met("errors==0", result));
  EXPECT_FALSE(is_met("mismatch==0", result));
  EXPECT_TRUE(is_met("errors<=10", result));
  EXPECT_TRUE(is_met("errors<0.1%", result));  // 10 of 10,011
  EXPECT_FALSE(is_met("errors<0.09%", result));
  EXPECT_TRUE(is_met("mismatch<0.01%", result));
  EXPECT_EQ(Threshold("errors<0.1%").judge(result).figure, "0.10 %");
}

TEST(Threshold, ReadsASharePercentOrNot) {
  BenchResult result = some_result();
  result.tally.counts.errors[0] = 10;  // of 10,010
  for (const auto* text : {"errors<0.1%", "errors < 0.1 %", "errors<0.001", "errors<.001"}) {
    EXPECT_TRUE(is_met(text, result)) << text;
    EXPECT_EQ(Threshold(text).judge(result).figure, "0.10 %") << text;
  }
  for (const auto* text : {"errors<0.09 %", "errors<0.0009", "errors<=0.0", "errors<9", "errors<1"})
    EXPECT_FALSE(is_met(text, result)) << text;
  EXPECT_TRUE(is_met("errors<0.5k", result)) << "a number";
}

TEST(Threshold, HoldsTheRate) {
  EXPECT_TRUE(is_met("rate>0.9k"));
  EXPECT_TRUE(is_met("rate>999.5"));
  EXPECT_TRUE(is_met("rate==60k/m"));
  EXPECT_FALSE(is_met("rate>50k"));
  EXPECT_EQ(Threshold("rate>50k").judge(some_result()).figure, "1,000 /s");
}

TEST(Threshold, HoldsTheServersProcessorTimeWhereItIsMeasured) {
  BenchResult result = some_result();
  EXPECT_FALSE(is_met("cpu<1s", result));
  EXPECT_EQ(Threshold("cpu<1s").judge(result).note,
            "the server's processor time is measured with --pid only");
  result.server = ServerUse{.pid = 1, .cpu_seconds = 0.05};
  EXPECT_TRUE(is_met("cpu<=5us", result));
  EXPECT_FALSE(is_met("cpu<4.9us", result));
}

TEST(Threshold, IsNotMetByUnmeasuredFigures) {
  for (const auto* text : {"p50<1s", "max<1s", "connect_mean<1s", "errors<1%", "mismatch<=0%"}) {
    const ThresholdOutcome outcome = Threshold(text).judge({});
    EXPECT_FALSE(outcome.met) << text;
    EXPECT_NE(outcome.note, "") << text;
  }
}

TEST(Threshold, ReportsErrors) {
  EXPECT_EQ(refusal("p99"),
            R"("p99": write a name, one of < <= > >= ==, and a value, such as p99<20ms)");
  EXPECT_EQ(refusal("p99=20ms"),
            R"("p99=20ms": there is no "=": )"
            "write a name, one of < <= > >= ==, and a value, such as p99<20ms");
  EXPECT_EQ(refusal("erors<1"), R"("erors<1": there is no "erors"; did you mean "errors"?)");
  EXPECT_EQ(refusal("p100<1s"), R"("p100<1s": there is no "p100")");
  EXPECT_EQ(refusal("p99<20"),
            R"("p99<20": "20" is not a time: write a number and us, ms, s, m or h, such as 20ms)");
  EXPECT_EQ(refusal("errors<x%"), R"("errors<x%": "x%" is not a share: 0.1%)");
  for (const auto* text :
       {"rate>", "rate>1%", "errors<-1", "errors<-0.5", "errors<1.5", "<1", "", "connect_errors<1",
        "p<1s", "pnan<1s", "p0<1s", "p99<20ms ms", "errors<1e3", "errors<inf%"})
    EXPECT_NE(refusal(text), "") << text;
}

}  // namespace
}  // namespace fairlead
