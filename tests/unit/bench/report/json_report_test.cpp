// What other programs, and later comparisons, read of a load test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "client/bench/report/reports.hpp"
#include "source_dir.hpp"
#include "tests/support/bench_samples.hpp"

namespace fairlead {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json parsed(const BenchResult& result) { return json::parse(json_report(result)); }

TEST(JsonReport, HasTheNumbersInTheirPlaces) {
  const json report = parsed(open_loop_sample());
  EXPECT_EQ(report["schema"], "fairlead-bench/1");
  EXPECT_EQ(report["loop"], "open");
  EXPECT_EQ(report["mode"], "reply");
  EXPECT_EQ(report["addresses"], json::array());
  EXPECT_EQ(report["began"], "2026-11-22T02:39:55Z");
  EXPECT_EQ(report["verdict"]["belief"], "DOUBTFUL");
  EXPECT_EQ(report["counts"]["done"], 149'984);
  EXPECT_EQ(report["counts"]["errors"]["reset"], 15);
  EXPECT_EQ(report["counts"]["errors"]["refused"], 0);
  EXPECT_EQ(report["counts"]["mismatches"]["content"], 1);
  EXPECT_EQ(report["unfinished"], 3);
  EXPECT_EQ(report["unsent"], 12);
  EXPECT_EQ(report["ledger"].dump(),
            R"({"done":149984,"due":150015,"failed":15,"never_sent":{"back_off":0,"connection":2,)"
            R"("reply":10,"test":0},"timed_out":0,"unfinished":3,"wrong":1})");
  EXPECT_EQ(report["first_mismatch"]["number"], 98'765);
  EXPECT_EQ(report["first_mismatch"]["expected_hex"], "68656c6c6f2039383736350a");
  EXPECT_EQ(report["first_mismatches"], json::array({report["first_mismatch"]}));
  EXPECT_EQ(report["configuration"][1], json({{"option", "rate"}, {"value", "5k"}}));
  EXPECT_EQ(report["thresholds"][1]["met"], false);
  EXPECT_EQ(report["generator"]["threads"].size(), 2u);
  EXPECT_EQ(report["server"]["pid"], 4711);
  EXPECT_EQ(report["series"].size(), 32u);
  EXPECT_EQ(report["series"][17]["errors"]["reset"], 12);
  EXPECT_EQ(report["series"][1]["warmup"], true);
  EXPECT_EQ(report["latency"]["intended"]["quantiles"]["p99"],
            open_loop_sample().tally.intended.quantile(0.99));
  EXPECT_EQ(report["latency"]["connect"]["quantiles"]["p99"], nullptr) << "of 115 samples";
}

TEST(JsonReport, AHistogramCanBeRebuiltFromItsBuckets) {
  const BenchResult result = open_loop_sample();
  Histogram again;
  const json report = parsed(result);
  for (const json& bucket : report["latency"]["intended"]["buckets"])
    again.record(bucket.at(1), bucket.at(2));
  EXPECT_EQ(again.count(), result.tally.intended.count());
  for (const double share : {0.5, 0.99, 0.999})
    EXPECT_EQ(again.quantile(share), result.tally.intended.quantile(share));
}

TEST(JsonReport, UnmeasuredFiguresAreNull) {
  const json report = parsed(failed_sample());
  EXPECT_EQ(report["latency"]["intended"], nullptr);
  EXPECT_EQ(report["first_mismatch"], nullptr);
  EXPECT_EQ(report["first_mismatches"], json::array());
  EXPECT_EQ(report["server"], nullptr);
  EXPECT_EQ(report["metrics"].dump(), R"({"mismatch":0,"rate":0.0})");
}

TEST(JsonReport, IsALineOfAsciiWhateverItHolds) {
  const std::string text = json_report(hostile_sample());
  for (std::size_t i = 0; i + 1 < text.size(); ++i)
    ASSERT_TRUE(text[i] >= 0x20 && text[i] < 0x7f) << "at " << i;
  EXPECT_EQ(text.back(), '\n');
  const std::string address = json::parse(text)["address"];
  EXPECT_THAT(address, HasSubstr("<script>alert(1)</script>\" onload='x' &amp; ]]>\x1b[2J\r\n"));
  EXPECT_THAT(address, HasSubstr("\u202e\u2066http://evil.example/ 好")) << "exact, but escaped";
}

TEST(JsonReport, IsReadBackForAComparison) {
  const BenchResult result = open_loop_sample();
  const SavedReport saved = read_json_report(json_report(result)).value();
  EXPECT_TRUE(saved.is_open_loop);
  const auto figure = [](const SavedReport& report, CompareMetric metric) {
    return report.figures[static_cast<std::size_t>(metric)];
  };
  EXPECT_EQ(figure(saved, CompareMetric::p99), result.tally.intended.quantile(0.99));
  EXPECT_EQ(figure(saved, CompareMetric::rate), result.rate());
  EXPECT_EQ(figure(saved, CompareMetric::errors), result.error_share());
  EXPECT_NEAR(figure(saved, CompareMetric::cpu).value(), 12.2, 0.01);
  const SavedReport short_run = read_json_report(json_report(closed_loop_sample())).value();
  EXPECT_FALSE(figure(short_run, CompareMetric::p999)) << "8,000 samples do not support it";
}

TEST(JsonReport, AFileThatIsNoReportIsRejected) {
  const std::string good = json_report(closed_loop_sample());
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("nonsense"), std::string("{}"),
        std::string(R"({"schema":"fairlead-bench/2"})"), std::string(R"({"schema":1})"),
        std::string(R"({"schema":"fairlead-bench/1"})"), good.substr(0, good.size() / 2),
        std::string(100'000, '['), std::string("\xff\0{", 3)}) {
    const auto read = read_json_report(text);
    ASSERT_FALSE(read) << text.substr(0, 80);
    EXPECT_NE(read.error().what, "");
  }
}

TEST(JsonReport, AnImpossibleFigureIsRejected) {
  for (const json& wrong : {json(-1), json("12"), json(nullptr), json::array()}) {
    json report = parsed(closed_loop_sample());
    report["metrics"]["p50"] = wrong;
    EXPECT_FALSE(read_json_report(report.dump())) << wrong;
  }
}

void collect_keys(const json& value, std::set<std::string>& keys) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) keys.insert(key);
  }
  if (value.is_structured()) {
    for (const json& inner : value) collect_keys(inner, keys);
  }
}

TEST(JsonReport, EachFieldIsDocumented) {
  std::ifstream file(FAIRLEAD_SOURCE_DIR "/docs/bench-json.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  std::set<std::string> keys;
  collect_keys(parsed(open_loop_sample()), keys);
  ASSERT_GT(keys.size(), 60u);
  for (const std::string& key : keys) EXPECT_THAT(page, HasSubstr("`" + key + "`"));
}

}  // namespace
}  // namespace fairlead
