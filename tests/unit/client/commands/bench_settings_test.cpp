// What the command line of `fairlead bench` means.
#include "client/commands/bench/bench_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/bench/workload/bench_plan.hpp"
#include "client/bench/workload/load.hpp"
#include "client/cli/exit_code.hpp"

namespace fairlead {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

BenchRunSettings settings(Words words) {
  words.emplace_back("localhost:7878");
  return bench_run_settings(read_options("bench", bench_options(), words), {});
}

Load load(Words words) { return settings(std::move(words)).bench.load; }

std::string refusal(Words words) {
  try {
    settings(std::move(words));
  } catch (const UsageError& error) {
    return error.what();
  } catch (const SettingError& error) {
    return error.what();
  }
  return "none";
}

TEST(BenchSettings, TheDefaultIsAClosedLoopOfLinesForTenSeconds) {
  const Load made = load({});
  EXPECT_EQ(BenchMode::reply, made.mode);
  EXPECT_FALSE(made.is_open_loop());
  EXPECT_EQ(seconds(10), made.duration);
  EXPECT_EQ(0U, made.messages);
  EXPECT_EQ(100U, made.connections);
  EXPECT_EQ(Protocol::text, made.connection.protocol);
  EXPECT_TRUE(made.message.ends_lines);
  EXPECT_EQ(64U, made.message.size_max);
  EXPECT_EQ(ExpectationSettings::Kind::echo, made.expectation.kind);
}

TEST(BenchSettings, ARateIsOneStageOfTheWholeRun) {
  const Load made = load({"-r", "5k", "-d", "30s", "--warmup", "5s"});
  ASSERT_EQ(1U, made.stages.size());
  EXPECT_EQ(5000, made.stages[0].rate);
  EXPECT_EQ(seconds(30), made.stages[0].length);
  EXPECT_EQ(seconds(5), made.warmup);
}

TEST(BenchSettings, ADurationOfNothingIsUntilCtrlC) {
  EXPECT_TRUE(load({"-d", "0"}).is_endless);
  EXPECT_TRUE(load({"-d", "0", "-r", "0.5"}).is_endless);
  EXPECT_FALSE(load({"-n", "5"}).is_endless);
  EXPECT_FALSE(load({}).is_endless);
}

TEST(BenchSettings, StagesAddUpToTheRun) {
  const Load made = load({"--stage", "10s@1k,500ms@5k"});
  ASSERT_EQ(2U, made.stages.size());
  EXPECT_EQ(1000, made.stages[0].rate);
  EXPECT_EQ(milliseconds(500), made.stages[1].length);
  EXPECT_EQ(milliseconds(10'500), made.duration);
}

TEST(BenchSettings, AStageMayBeAPause) {
  const Load made = load({"--stage", "1s@100,1s@0,1s@100"});
  const BenchPlan plan(made, {});
  EXPECT_EQ(200U, plan.operations);
  EXPECT_GE(plan.arrivals->due(100), seconds(2));
}

TEST(BenchSettings, AllMessagesOfACountAtARateAreDue) {
  const Load made = load({"-n", "1000", "-r", "300", "--ramp", "2s"});
  EXPECT_EQ(BenchDuration(0), made.duration);
  const BenchPlan plan(made, {});
  EXPECT_EQ(1000U, plan.operations);
  EXPECT_GE(plan.arrivals->total(), 1000U);
}

TEST(BenchSettings, MessagesAreTemplatesWithEscapes) {
  const Load made = load({"-m", "PING\\r\\n", "-m", "{seq}", "--expect", "+PONG\\r\\n"});
  EXPECT_THAT(made.message.texts, ElementsAre("PING\r\n", "{seq}"));
  EXPECT_EQ(ExpectationSettings::Kind::text, made.expectation.kind);
  EXPECT_EQ("+PONG\r\n", made.expectation.text);
}

TEST(BenchSettings, AnExpectedLineNeedsNoLineEnd) {
  EXPECT_EQ("OK", load({"--expect", "OK"}).expectation.text);
  EXPECT_TRUE(load({"--expect", "OK"}).ends_replies);
  EXPECT_FALSE(load({"--expect", "OK\\n"}).ends_replies);
  EXPECT_EQ("OK", load({"--expect", "OK", "--boundary", "none"}).expectation.text);
  EXPECT_EQ("OK", load({"--expect", "OK", "--protocol", "len32"}).expectation.text);
}

TEST(BenchSettings, ModeConnSendsNothingByDefault) {
  const Load made = load({"--mode", "conn"});
  EXPECT_EQ(ExpectationSettings::Kind::none, made.expectation.kind);
  EXPECT_FALSE(BenchPlan(made, {}).has_message);
  EXPECT_TRUE(BenchPlan(load({"--mode", "conn", "-s", "10"}), {}).has_message);
}

TEST(BenchSettings, AnyGreetingIsAccepted) {
  EXPECT_EQ(ExpectationSettings::Kind::none, load({"--mode", "greet"}).expectation.kind);
  EXPECT_THAT(refusal({"--mode", "greet", "--expect", "echo"}), HasSubstr("nothing is sent"));
}

TEST(BenchSettings, ADownloadHasAName) {
  const Load made = load({"--mode", "file", "-m", "a\\x20b", "--protocol", "framed"});
  EXPECT_EQ("a b", made.file_name);
  EXPECT_EQ("file", made.service);
  EXPECT_THAT(refusal({"--mode", "file"}), HasSubstr("--message names the file"));
  EXPECT_THAT(refusal({"--mode", "file", "-m", "a", "--protocol", "len32"}), HasSubstr("len32"));
}

TEST(BenchSettings, TextIsWrittenInTheEncodingAsked) {
  const Load made = load({"-e", "gbk", "-m", "你好"});
  std::string scratch;
  EXPECT_EQ("\xC4\xE3\xBA\xC3\n", MessageSource(made.message, 1).message({0, 0, 0}, scratch));
}

TEST(BenchSettings, SourcesMayBeANetwork) {
  EXPECT_EQ("127.0.0.0/24", load({"--source", "127.0.0.0/24"}).sources->text());
  EXPECT_THAT(refusal({"--source", "localhost"}), HasSubstr("neither an IP address nor"));
}

TEST(BenchSettings, TheConfigurationListsTheOptionsAsGiven) {
  const auto told =
      settings({"-c", "5", "-r", "1k", "--expect", "none", "--spin"}).bench.configuration;
  EXPECT_THAT(told, testing::Contains(Pair("connections", "5")));
  EXPECT_THAT(told, testing::Contains(Pair("rate", "1k")));
  EXPECT_THAT(told, testing::Contains(Pair("expect", "none")));
  EXPECT_THAT(told, testing::Contains(Pair("spin", "yes")));
}

TEST(BenchSettings, ContradictoryOptionsAreRejected) {
  EXPECT_THAT(refusal({"-c", "0"}), HasSubstr("--connections takes 1 to"));
  EXPECT_THAT(refusal({"-t", "5", "-c", "4"}), HasSubstr("--threads"));
  EXPECT_THAT(refusal({"-r", "0"}), HasSubstr("--rate cannot be 0"));
  EXPECT_THAT(refusal({"-d", "101d"}), HasSubstr("no test is longer than 100 days"));
  EXPECT_THAT(refusal({"-r", "1/h", "-n", "1m"}), HasSubstr("more than 100 days"));
  EXPECT_THAT(refusal({"--abort-on", "actual_p99>1s"}), HasSubstr("each second tells"));
  EXPECT_THAT(refusal({"--json", "x", "--html", "x"}), HasSubstr("a file of its own"));
  EXPECT_THAT(refusal({"-n", "0"}), HasSubstr("--messages cannot be 0"));
  EXPECT_THAT(refusal({"--stage", "10s"}), HasSubstr("TIME@RATE"));
  EXPECT_THAT(refusal({"--stage", "10s@0"}), HasSubstr("nothing would be sent"));
  EXPECT_THAT(refusal({"--stage", "0@5"}), HasSubstr("the time cannot be 0"));
  EXPECT_THAT(refusal({"--stage", "1s@5", "-r", "5"}), HasSubstr("leave out --rate"));
  EXPECT_THAT(refusal({"-d", "5s", "--warmup", "5s"}), HasSubstr("--warmup"));
  EXPECT_THAT(refusal({"-r", "5", "-d", "5s", "--ramp", "6s"}), HasSubstr("--ramp"));
  EXPECT_THAT(refusal({"-m", "a", "-s", "5"}), HasSubstr("exclude each other"));
  EXPECT_THAT(refusal({"-m", "{sq}"}), HasSubstr("{sq}"));
  EXPECT_THAT(refusal({"-m", "\\q"}), HasSubstr("\\q"));
  EXPECT_THAT(refusal({"-s", "9-3"}), HasSubstr("the smaller one comes first"));
  EXPECT_THAT(refusal({"--whole"}), HasSubstr("--whole needs --file"));
  EXPECT_THAT(refusal({"-f", "/nowhere"}), HasSubstr("cannot be read"));
  EXPECT_THAT(refusal({"--expect", "re:("}), HasSubstr("the pattern"));
  EXPECT_THAT(refusal({"--expect", "re:x", "--boundary", "none"}), HasSubstr("where a reply ends"));
  EXPECT_THAT(refusal({"--idle", "-r", "5"}), HasSubstr("--idle"));
  EXPECT_THAT(refusal({"--idle", "--mode", "conn"}), HasSubstr("--idle and --mode"));
  EXPECT_THAT(refusal({"--json", "-", "--csv", "-"}), HasSubstr("only one of them"));
  EXPECT_THAT(refusal({"--threshold", "p9x<1ms"}), HasSubstr("p9x"));
  EXPECT_THAT(refusal({"--pid", "0"}), HasSubstr("--pid"));
}

BenchCompareSettings comparison(const Words& words) {
  return bench_compare_settings(read_options("bench compare", bench_compare_options(), words), {});
}

TEST(BenchCompareSettings, TakesAddressesOrTwoFiles) {
  EXPECT_EQ(3U, comparison({"a:1", "b:2", "c:3"}).servers.size());
  const BenchCompareSettings files = comparison({"old.json", "new.json", "--drift", "10"});
  EXPECT_TRUE(files.servers.empty());
  EXPECT_DOUBLE_EQ(0.1, files.drift);
  EXPECT_THROW(comparison({"a:1"}), UsageError);
  EXPECT_THROW(comparison({"a:1", "new.json"}), UsageError);
  EXPECT_THROW(comparison({"a:1", "b:1", "--drift", "10"}), UsageError);
  EXPECT_THROW(comparison({"a:1", "b:1", "--rounds", "1"}), UsageError);
  EXPECT_EQ(seconds(2), comparison({"a:1", "b:1"}).bench.load.duration);
}

}  // namespace
}  // namespace fairlead
