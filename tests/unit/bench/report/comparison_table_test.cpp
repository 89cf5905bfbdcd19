#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/bench/report/reports.hpp"

namespace fairlead {
namespace {

// Twice slower in every round, at the same rate.
std::vector<ComparedTarget> twice(std::size_t rounds) {
  const RoundFigures one{100, 1500, 2000, 120.5, 5000, 0, std::nullopt};
  const RoundFigures other{200, 3000, 4000, 241, 5000, 0.01, std::nullopt};
  return {{"a|b:1", std::vector(rounds, one)}, {"c:2\x1b", std::vector(rounds, other)}};
}

TEST(ComparisonTable, HasAColumnForEachTargetAndEachRatio) {
  EXPECT_EQ(comparison_text(compare(twice(10), 1), 80),
            "10 rounds, the targets in turn: medians, and ratios with their 95 % intervals\n"
            "\n"
            "        a|b:1     c:2\\x1b   ratio to the first\n"
            "p50     100 us    200 us    2.00 worse\n"
            "p99     1.50 ms   3.00 ms   2.00 worse\n"
            "p99.9   2.00 ms   4.00 ms   2.00 worse\n"
            "mean    120 us    241 us    2.00 worse\n"
            "rate    5,000 /s  5,000 /s  1.00\n"
            "errors  0 %       1.00 %    from 0 worse\n");
}

TEST(ComparisonTable, IsPartedWhereItIsTooWide) {
  std::vector<ComparedTarget> targets = twice(10);
  targets.push_back({"d:3", targets[1].rounds});
  targets.push_back({"e:4", targets[1].rounds});
  const Comparison comparison = compare(targets, 1);
  const std::string text = comparison_text(comparison, 60);
  EXPECT_NE(text.find("\n"
                      "        a|b:1     c:2\\x1b   ratio to the first\n"
                      "p50     100 us    200 us    2.00 worse\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\n\n"
                      "        d:3       ratio to the first\n"
                      "p50     200 us    2.00 worse\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\n\n        e:4       ratio to the first\n"), std::string::npos) << text;
  EXPECT_NE(comparison_text(comparison, 200).find("d:3       ratio to the first  e:4"),
            std::string::npos);
}

TEST(ComparisonTable, IsMarkdownForAPage) {
  const std::string text = comparison_markdown(compare(twice(3), 1));
  EXPECT_EQ(text.substr(0, text.find("| p99 ")),
            "3 rounds, the targets in turn: medians, and ratios with their 95 % intervals; so few "
            "rounds say little, take 5 or more\n"
            "\n"
            "|  | a\\|b:1 | c:2\\x1b | ratio to the first |\n"
            "|---|---:|---:|---:|\n"
            "| p50 | 100 us | 200 us | 2.00 worse |\n");
}

TEST(ComparisonTable, IsJsonForPrograms) {
  std::vector<ComparedTarget> targets = twice(10);
  for (ComparedTarget& target : targets) target.rounds[3][2] = std::nullopt;
  const std::vector<std::string> failures{"p99>+10%: it is"};
  const auto report = nlohmann::json::parse(comparison_json(compare(targets, 1), failures));
  EXPECT_EQ(report["schema"], "fairlead-bench-compare/1");
  EXPECT_EQ(report["rounds"], 10);
  EXPECT_EQ(report["drift"], nullptr);
  EXPECT_EQ(report["failures"], nlohmann::json(failures));
  EXPECT_EQ(report["targets"][0]["ratios"], nlohmann::json::object());
  const auto& other = report["targets"][1];
  EXPECT_EQ(other["name"], "c:2\x1b");
  EXPECT_EQ(other["medians"]["p99"], 3000);
  EXPECT_FALSE(other["medians"].contains("p99.9"));
  EXPECT_EQ(other["ratios"]["p99"].dump(), R"({"estimate":2.0,"high":2.0,"low":2.0})");
  EXPECT_EQ(other["ratios"]["errors"]["estimate"], nullptr);  // from 0
}

TEST(ComparisonTable, HasADashForAPercentileOfTooFew) {
  std::vector<ComparedTarget> targets = twice(10);
  for (ComparedTarget& target : targets) target.rounds[3][2] = std::nullopt;
  const std::string text = comparison_text(compare(targets, 1), 80);
  EXPECT_NE(text.find("\np99.9   -         -         -\n"), std::string::npos) << text;
}

TEST(ComparisonTable, MarksSeparateRunsAndDoesNotJudgeThem) {
  Comparison comparison = compare(twice(1), 1);
  comparison.separate_drift = 0.3;
  const std::string text = comparison_text(comparison, 80);
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "separate runs: differences up to 30.0 % may be the machine's");
  EXPECT_EQ(text.find("worse"), std::string::npos);
}

}  // namespace
}  // namespace fairlead
