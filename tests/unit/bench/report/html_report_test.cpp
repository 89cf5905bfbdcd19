// The page of a load test and its charts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/bench/report/chart.hpp"
#include "client/bench/report/reports.hpp"
#include "tests/support/bench_samples.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HtmlText, IsTextAndNothingElse) {
  EXPECT_EQ(html("<b a='1' c=\"2\">&"), "&lt;b a=&apos;1&apos; c=&quot;2&quot;&gt;&amp;");
  EXPECT_EQ(html("\x1b\r\n\xff\u202e好"), "\\x1b\\r\\n\\xff\\u{202e}好");
  EXPECT_EQ(html("PING\\r\\n\\"), "PING\\r\\n\\") << "a backslash reads as it was typed";
}

TEST(HtmlText, OnlyAUnitBecomesMicroseconds) {
  EXPECT_EQ(with_micro_sign("12 us"), "12 µs");
  EXPECT_EQ(with_micro_sign("12.2 us a message, 3 us"), "12.2 µs a message, 3 µs");
  EXPECT_EQ(with_micro_sign("told us; 5 users"), "told us; 5 users");
}

TEST(ChartAxis, HasRoundValues) {
  const auto text = [](double value) { return std::to_string(static_cast<int>(value)); };
  const ChartAxis axis = linear_axis("", 4321, 5, text);
  EXPECT_EQ(axis.to, 5000);
  ASSERT_EQ(axis.ticks.size(), 6u);
  EXPECT_EQ(axis.ticks[1].label, "1000");
  EXPECT_GT(linear_axis("", 0, 5, text).to, 0) << "also where nothing happened";
}

TEST(ChartAxis, ALogarithmicOneHoldsItsValues) {
  const auto text = [](double value) { return std::to_string(static_cast<int>(value)); };
  for (const double least : {1.0, 2.0, 7.0, 99.0, 100.0, 54'321.0}) {
    for (const double factor : {1.0, 1.5, 2.0, 10.0, 12'345.0}) {
      const ChartAxis axis = logarithmic_axis("", least, least * factor, text);
      EXPECT_LE(axis.from, log_position(least) + 1e-9) << least;
      EXPECT_GE(axis.to, log_position(least * factor) - 1e-9) << least * factor;
      EXPECT_LT(axis.from, axis.to);
      EXPECT_LT(axis.to - axis.from, log_position(factor) + 1) << "and little more";
    }
  }
}

TEST(ChartAxis, EachFurtherNineTakesTheSameRoom) {
  EXPECT_NEAR(percentile_at(1), 0.9, 1e-9);
  EXPECT_NEAR(percentile_at(3), 0.999, 1e-9);
  const ChartAxis axis = percentile_axis("", 10'000);
  EXPECT_NEAR(axis.to, 4, 1e-9);
  EXPECT_EQ(axis.ticks.back().label, "99.99%");
}

TEST(BenchCharts, TheTwoLatenciesAreTwoCurves) {
  const Chart chart = *percentile_chart(open_loop_sample());
  ASSERT_EQ(chart.curves.size(), 2u);
  EXPECT_NE(chart.curves[0].look, chart.curves[1].look);
  const auto at = [&](const ChartCurve& curve, double x) {
    std::size_t i = 0;
    while (curve.points[i].x < x) ++i;
    return curve.points[i].y;
  };
  EXPECT_NEAR(at(chart.curves[0], 2), log_position(90'000), 0.01) << "p99 from the intended time";
  EXPECT_LT(at(chart.curves[1], 2), log_position(1'000)) << "p99 from that of sending";
  EXPECT_EQ(percentile_chart(closed_loop_sample())->curves.size(), 1u);
}

TEST(BenchCharts, TheHistogramHoldsEveryOperation) {
  const BenchResult result = closed_loop_sample();
  const Chart chart = *histogram_chart(result);
  double counted = 0;
  for (const ChartBox& bar : chart.boxes) counted += std::pow(10, bar.y - 0.05);
  EXPECT_NEAR(counted, 8000, 0.5);
}

TEST(BenchCharts, ErrorsAreBarsOfTheirSeconds) {
  const Chart chart = *rate_chart(open_loop_sample());
  ASSERT_EQ(chart.boxes.size(), 3u);
  EXPECT_EQ(chart.boxes[0].text, "warm-up");
  EXPECT_EQ(chart.boxes[0].to, 2);
  EXPECT_EQ(chart.boxes[1].look, "bar alarm");
  EXPECT_GT(chart.boxes[1].from, 17);
  EXPECT_LT(chart.boxes[1].to, 18);
  EXPECT_EQ(chart.boxes[1].y, 12);
}

TEST(BenchCharts, EachPointOfALongRunStandsForSeveralSeconds) {
  BenchResult result = open_loop_sample();
  result.series.clear();
  for (std::uint32_t second = 0; second < 3601; ++second) {
    SeriesRow row{.second = second, .p50 = 10, .max = second == 100 ? 999u : 20u};
    row.counts.done = second % 2 == 0 ? 100 : 200;
    row.counts.errors[0] = second == 200 ? 1 : 0;
    result.series.push_back(row);
  }
  const std::vector<SeriesRow> rows = drawn_series(result);
  EXPECT_LE(rows.size(), kSeriesPointsMax);
  EXPECT_NEAR(static_cast<double>(rows[0].counts.done), 150, 10);
  std::uint64_t greatest = 0, errors = 0;
  for (const SeriesRow& row : rows) {
    greatest = std::max(greatest, row.max);
    errors += row.counts.all_errors();
  }
  EXPECT_EQ(greatest, 999u) << "nothing is averaged away";
  EXPECT_EQ(errors, 1u);
  EXPECT_THAT(html_report(result), HasSubstr("Each point stands for 13 seconds"));
}

TEST(HtmlReport, BeginsWithTheVerdict) {
  const std::string page = html_report(open_loop_sample());
  EXPECT_LT(page.find("DOUBTFUL</h2>"), page.find("<dl"));
  EXPECT_THAT(page, HasSubstr("<section class=\"verdict doubtful\">"));
  EXPECT_THAT(page, HasSubstr("<th>p50</th>"));
  EXPECT_THAT(page, HasSubstr("<code>p99&lt;20ms</code>"));
  EXPECT_THAT(page, HasSubstr("hello {seq}\\n")) << "the configuration";
}

TEST(HtmlReport, TextOfAPeerIsEscaped) {
  const std::string page = html_report(hostile_sample());
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&apos;x&apos; "
                              "&amp;amp; ]]&gt;\\x1b[2J\\r\\n\\xff\\xc0\\x80 \\u{202e}\\u{2066}"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("onload='")));
  EXPECT_THAT(page, Not(HasSubstr("\u202e")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
}

TEST(HtmlReport, OmitsUnmeasuredFigures) {
  const std::string page = html_report(failed_sample());
  EXPECT_THAT(page, HasSubstr("INVALID</h2>"));
  EXPECT_THAT(page, Not(HasSubstr("<h2>Latency")));
  EXPECT_THAT(page, Not(HasSubstr("<h2>Distribution")));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(page, Not(HasSubstr("inf\"")));
}

}  // namespace
}  // namespace fairlead
