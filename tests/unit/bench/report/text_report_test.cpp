// What a person reads of a load test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "client/bench/report/reports.hpp"
#include "tests/support/bench_samples.hpp"

namespace fairlead {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(TextReport, BeginsWithTheVerdictAndTheLoop) {
  const std::vector<std::string> open = lines_of(text_report(open_loop_sample(), 100));
  EXPECT_EQ(
      open.at(0),
      "DOUBTFUL, open loop: 5.00k messages a second were due over 100 connections, for 30.0 s");
  EXPECT_THAT(open.at(1), StartsWith("  - thread 1 used 82 % of its core"));
  const std::string closed = text_report(closed_loop_sample(), 100);
  EXPECT_THAT(closed, StartsWith("VALID, closed loop: as fast as replies come over 50 connec"));
  EXPECT_THAT(closed, HasSubstr("these latencies hide stalls"));
  EXPECT_THAT(text_report(failed_sample(), 100), StartsWith("INVALID, "));
}

TEST(TextReport, ShowsBothLatenciesSideBySide) {
  const std::string text = text_report(open_loop_sample(), 100);
  EXPECT_THAT(text, ContainsRegex("latency +from intended +from sent +to connect\n"));
  EXPECT_THAT(text, ContainsRegex("p99 +90\\.[0-9] ms +[0-9]+ us +-\n"));
  EXPECT_THAT(text, ContainsRegex("samples +150,000 +150,000 +115\n"));
}

TEST(TextReport, AClosedLoopHasNoIntendedTime) {
  EXPECT_THAT(text_report(closed_loop_sample(), 100), Not(HasSubstr("intended")));
}

TEST(TextReport, APercentileOfTooFewSamplesIsNotShown) {
  BenchResult result = closed_loop_sample();
  result.tally.connect = {};
  result.tally.actual = {};
  result.tally.actual.record(500, 999);
  EXPECT_THAT(text_report(result, 100), ContainsRegex("p90 +500 us\n  p99 +-\n"));
  result.tally.actual.record(500);
  const std::string text = text_report(result, 100);
  EXPECT_THAT(text, ContainsRegex("p99 +500 us\n  p99.9 +-\n"));
  EXPECT_THAT(text, HasSubstr("-: fewer than ten samples lie beyond it"));
}

TEST(TextReport, CountsEachKindThatHappened) {
  const std::string text = text_report(open_loop_sample(), 100);
  EXPECT_THAT(text, HasSubstr("rate          4,999 /s of 5,000 /s intended (100 %)\n"));
  EXPECT_THAT(text, HasSubstr("messages      150,015 due: 149,984 done, 1 wrong, 15 failed, 3 "
                              "unfinished, 12 never sent (10\n"
                              "                waited for replies, 2 had no connection)\n"));
  EXPECT_THAT(text, HasSubstr("errors        15 (0.01 %): reset 15\n"));
  EXPECT_THAT(text, HasSubstr("mismatches    1: content 1\n"));
  EXPECT_THAT(text, HasSubstr("100 of 100 open at the end, 115 made, 15 lost\n"));
  EXPECT_THAT(text, HasSubstr("own CPU       31.0 %, 29.0 % of a core (a thread each)\n"));
  EXPECT_THAT(text, HasSubstr("server CPU    12.2 us a message, 6.10 % of a core (process 4711)"));
  EXPECT_THAT(text, Not(HasSubstr("refused")));
  BenchResult result = open_loop_sample();
  result.own_work.record(64, 1000);
  EXPECT_THAT(text_report(result, 100),
              HasSubstr("of a core (a thread each); up to 64 us of a latency is that (p99)\n"));
}

TEST(TextReport, TellsTheFirstWrongReplies) {
  const std::string text = text_report(open_loop_sample(), 100);
  EXPECT_THAT(text, HasSubstr("first wrong: reply 98,765 (number 988 of connection 64): wrong "
                              "content, from byte 6 on\n"));
  EXPECT_THAT(text, ContainsRegex("- 00000000 .*hello 98765.*\n +\\+ 00000000 .*hello 97765"));
  EXPECT_THAT(text_report(closed_loop_sample(), 100), Not(HasSubstr("first wrong")));
  EXPECT_THAT(text, Not(HasSubstr("then wrong")));
  BenchResult result = open_loop_sample();
  result.tally.first_mismatches.push_back({.kind = MismatchKind::unasked, .got = "x\x1b[2J"});
  EXPECT_THAT(text_report(result, 100),
              HasSubstr("then wrong:  bytes that nobody asked for, on connection 0\n"
                        " + 00000000  78 1b 5b 32 4a "));
}

TEST(TextReport, ReportsEveryThreshold) {
  const std::string text = text_report(open_loop_sample(), 100);
  EXPECT_THAT(text, ContainsRegex("\n  met +p50<1ms +121 us\n  MISSED +p99<20ms +90.1 ms\n"));
  EXPECT_THAT(text, ContainsRegex("MISSED +p99.999<1s +too few samples: 1,000,000 are needed"));
}

TEST(TextReport, IsNoWiderThanItsTerminal) {
  for (const std::size_t columns : {80U, 100U, 132U}) {
    std::size_t widest = 0;
    for (const BenchResult& result : {open_loop_sample(), closed_loop_sample(), failed_sample()}) {
      for (const std::string& line : lines_of(text_report(result, columns))) {
        EXPECT_LE(line.size(), columns) << line;
        widest = std::max(widest, line.size());
      }
    }
    EXPECT_GT(widest, columns - 12);
  }
}

TEST(TextReport, HoldsNoControlSequences) {
  for (const char c : text_report(hostile_sample(), 100)) {
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
    EXPECT_NE(c, '\x7f');
  }
  const std::string text = text_report(hostile_sample(), 100);
  EXPECT_THAT(text, HasSubstr("\\x1b[2J\\r\\n\\xff\\xc0\\x80"));
  EXPECT_THAT(text, Not(HasSubstr("\u202e")));
}

TEST(TextReport, TellsTheAddressesOfAName) {
  BenchResult result = closed_loop_sample();
  result.addresses = {result.address};
  EXPECT_THAT(text_report(result, 100), Not(HasSubstr("  addresses")));
  result.addresses.push_back("[::2]:6379");
  EXPECT_THAT(text_report(result, 100), HasSubstr("  addresses     [::1]:6379, [::2]:6379\n"));
  result.addresses.resize(1000, "[::3]:6379");
  EXPECT_THAT(text_report(result, 100), HasSubstr("6379 and 992 more\n"));
}

TEST(TextReport, AnIdleRunHasNoRate) {
  BenchResult result = closed_loop_sample();
  result.mode = BenchMode::idle;
  result.tally.actual = {};
  const std::string text = text_report(result, 100);
  EXPECT_THAT(text, StartsWith("VALID, idle: 50 connections, for 10.0 s\n"));
  EXPECT_THAT(text, Not(HasSubstr("rate  ")));
}

}  // namespace
}  // namespace fairlead
