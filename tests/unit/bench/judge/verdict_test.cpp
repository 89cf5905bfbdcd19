#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/bench/judge/result.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// 10 s at 2,000/s: each reply after 200 us, each message sent within 60 us.
BenchResult quiet(bool is_open_loop = true) {
  BenchResult result;
  result.is_open_loop = is_open_loop;
  result.intended_rate = is_open_loop ? 2000 : 0;
  result.tally.due = 20'000;
  result.measured_seconds = 10;
  result.tally.counts.sent = 20'000;
  result.tally.counts.done = 20'000;
  result.tally.actual.record(200, 20'000);
  if (is_open_loop) {
    result.tally.intended.record(220, 20'000);
    result.tally.lateness.record(60, 20'000);
  }
  result.threads = {{.cpu_seconds = 2, .wall_seconds = 10}, {.cpu_seconds = 3, .wall_seconds = 10}};
  return result;
}

BenchResult with_lateness(std::uint64_t late, std::uint64_t times, std::uint64_t latency) {
  BenchResult result = quiet();
  result.tally.lateness = {};
  result.tally.lateness.record(60, 20'000 - times);
  result.tally.lateness.record(late, times);
  result.tally.intended = {};
  result.tally.intended.record(latency, 20'000);
  return result;
}

void expect(const BenchResult& result, Belief belief, const std::string& part) {
  const Verdict verdict = judge(result);
  EXPECT_EQ(name_of(verdict.belief), name_of(belief)) << part;
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr(part)));
}

void expect_nothing(const BenchResult& result) {
  EXPECT_EQ(judge(result).belief, Belief::valid);
  EXPECT_THAT(judge(result).reasons, IsEmpty());
}

TEST(Verdict, HasNoReasonsForAQuietRun) {
  expect_nothing(quiet(true));
  expect_nothing(quiet(false));
}

TEST(Verdict, KnowsWhatItsOwnWorkOnOthersMayHaveCost) {
  const auto with_work = [](std::uint64_t work, std::uint64_t times, std::uint64_t latency) {
    BenchResult result = quiet(false);
    result.own_work.record(20, 20'000 - times);
    result.own_work.record(work, times);
    result.tally.actual = {};
    result.tally.actual.record(latency, 20'000);
    return result;
  };
  expect(with_work(4'000, 400, 6'000), Belief::doubtful, "up to 4.0");
  expect_nothing(with_work(4'000, 400, 20'000));
  expect_nothing(with_work(900, 400, 950));
  expect_nothing(with_work(4'000, 100, 6'000));
}

TEST(Verdict, DoubtsAServerThatAnswersNothingAndRefusesATestThatAsksNothing) {
  BenchResult result;
  expect(result, Belief::invalid, "no operation was completed: 0 errors, 0 wrong replies");
  result.tally.counts.connect_errors[static_cast<std::size_t>(BenchError::refused)] = 100;
  expect(result, Belief::doubtful, "no operation was completed: 100 errors, 0 wrong replies");
  result.mode = BenchMode::idle;
  expect(result, Belief::invalid, "no connection was made: 100 errors");
}

TEST(Verdict, DoubtsABusyThreadAndRefusesAFullOne) {
  BenchResult result = quiet(false);
  result.threads[1].cpu_seconds = 7.9;
  expect_nothing(result);
  result.threads[1].cpu_seconds = 8.1;
  expect(result, Belief::doubtful, "thread 2 of 2 of the test used 81.0 % of a core");
  result.threads[1].cpu_seconds = 9.6;
  expect(result, Belief::invalid, "thread 2 of 2 of the test used 96.0 % of a core");
  result.spins = true;
  expect_nothing(result);
}

TEST(Verdict, RefusesAThreadThatGotATenthOfACore) {
  BenchResult result = quiet(false);
  result.threads[0] = {.cpu_seconds = 1, .starved_seconds = 8.5, .wall_seconds = 10};
  expect(result, Belief::invalid, "thread 1 of 2 of the test waited for a core for 85.0 %");
  result.threads[0].starved_seconds = 1.5;
  expect(result, Belief::doubtful, "thread 1 of 2 of the test waited for a core for 15.0 %");
  result.threads[0].starved_seconds = 0.5;
  expect_nothing(result);
}

// Three messages in ten milliseconds: enough to see whether they are answered.
TEST(Verdict, OnlyDoubtsAShortRunWithStarvedThreads) {
  BenchResult result = quiet(false);
  result.threads[0] = {.cpu_seconds = 0.001, .starved_seconds = 0.004, .wall_seconds = 0.01};
  expect(result, Belief::doubtful, "thread 1 of 2 of the test waited for a core for 40.0 %");
  result.threads[0] = {.cpu_seconds = 0.0099, .wall_seconds = 0.01};
  expect(result, Belief::doubtful, "thread 1 of 2 of the test used 99.0 % of a core");
  result.threads[0] = {.cpu_seconds = 0.99, .wall_seconds = 1};
  expect(result, Belief::invalid, "thread 1 of 2 of the test used 99.0 % of a core");
}

TEST(Verdict, RefusesAPercentileThatIsMostlyItsOwnLateness) {
  // A core of which it gets 10 ms in every 100: most messages are late.
  expect(with_lateness(40'000, 18'000, 45'000), Belief::invalid,
         "one message in a hundred was sent");
  expect(with_lateness(5'000, 400, 20'000), Belief::doubtful,
         "late or later, for no reason of the server's; the p99 reported is 20.0 ms");
  expect_nothing(with_lateness(5'000, 400, 100'000));
  expect_nothing(with_lateness(900, 400, 950));
}

TEST(Verdict, IgnoresAHiccup) {
  // 5 ms at 2,000/s: ten messages, and their latencies.
  BenchResult result = with_lateness(5'000, 10, 220);
  result.tally.intended.record(5'200, 10);
  expect_nothing(result);
}

TEST(Verdict, OnlyDoubtsTheLatenessOfFewMessages) {
  BenchResult result = quiet();
  result.tally.due = result.tally.counts.sent = result.tally.counts.done = 20;
  result.tally.lateness = {};
  result.tally.lateness.record(4'000);
  result.tally.lateness.record(60, 19);
  const Verdict verdict = judge(result);
  EXPECT_EQ(verdict.belief, Belief::doubtful);
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("sent 4.0")));
}

TEST(Verdict, DoubtsAMaximumCausedByItsOwnLateness) {
  BenchResult result = with_lateness(80'000, 10, 220);
  result.tally.intended.record(80'200, 10);
  expect(result, Belief::doubtful, "a message was sent 80.0 ms late");
  result.tally.intended.record(900'000);
  expect_nothing(result);
}

TEST(Verdict, RefusesARateThatItDidNotReach) {
  BenchResult result = quiet();
  result.tally.counts.sent = result.tally.counts.done = 18'999;
  result.tally.never_sent = {0, 0, 0, 1'001};
  const Verdict verdict = judge(result);
  EXPECT_EQ(verdict.belief, Belief::invalid);
  EXPECT_THAT(verdict.reasons,
              ElementsAre(HasSubstr("too late to send 1,001 of 20,000 due messages"),
                          HasSubstr("1,001 were late for no reason of the server's")));
}

// Whoever caused it, it is told; and only the test itself makes its result INVALID.
TEST(Verdict, NamesWhoHeldWhatWasNeverSent) {
  BenchResult result = quiet();
  result.tally.counts.sent = result.tally.counts.done = 10'000;
  result.tally.never_sent = {10'000, 0, 0, 0};
  expect(result, Belief::valid,
         "10,000 of 20,000 (50.0 %) due messages were never sent: 10,000 "
         "waited for replies");
  result.tally.never_sent = {0, 9'900, 100, 0};
  expect(result, Belief::valid,
         "9,900 had no connection, 100 waited for the test to connect again");
}

TEST(Verdict, SaysWhenTheServerStoppedAnswering) {
  BenchResult result = quiet();
  result.tally.counts.sent = 10'010;
  result.tally.counts.done = 10'000;
  result.tally.unfinished = 10;
  result.tally.never_sent = {9'990, 0, 0, 0};
  result.last_received_seconds = 5;
  result.silent_seconds = 7;
  EXPECT_TRUE(result.has_left_undone());
  expect(result, Belief::valid,
         "the server stopped answering 5.00 s after the load began: 10 "
         "messages have no reply, and 9,990 due ones were never sent");
}

TEST(Verdict, SaysThatHalfOfItFailed) {
  BenchResult result = quiet();
  result.tally.counts.done = 10'000;
  result.tally.counts.errors[static_cast<std::size_t>(BenchError::reset)] = 10'000;
  EXPECT_DOUBLE_EQ(result.error_share(), 0.5);
  expect(result, Belief::valid, "10,000 of 20,000 (50.0 %) operations failed");
}

TEST(Verdict, DoesNotBlameTheServerForAPauseOfTheTest) {
  BenchResult result = quiet();
  result.tally.held = {0, 0, 201, 0};
  expect(result, Belief::doubtful, "were due while the test paused before it connected again");
  result.tally.held = {0, 201, 0, 0};
  expect(result, Belief::valid, "were due while there was no connection for them");
}

TEST(Verdict, SaysWhenTheServerIsTooSlowForTheRate) {
  BenchResult result = quiet();
  result.tally.held = {12'000, 0, 0, 0};
  expect(result, Belief::valid, "the server is too slow for the rate: 12,000 of 20,000 (60.0 %)");
}

TEST(Verdict, SaysThatConnectionsWereNotHeld) {
  BenchResult result;
  result.mode = BenchMode::idle;
  result.connections = 1000;
  result.tally.connect.record(100, 1000);
  result.tally.counts.connects = 1000;
  result.tally.connections_open = 990;
  expect_nothing(result);
  EXPECT_FALSE(result.has_left_undone());
  result.tally.connections_open = 500;
  EXPECT_TRUE(result.has_left_undone());
  expect(result, Belief::valid, "500 of 1,000 connections were not open at the end");
}

TEST(Verdict, SaysWhatEndedItEarly) {
  BenchResult result = quiet();
  result.aborted_by = ThresholdOutcome{.text = "errors>5%", .figure = "12.4 %"};
  expect(result, Belief::valid,
         "ended by --abort-on errors>5%, after 10.0 s of what is measured: it was 12.4 %");
}

// Tries to connect are no operations, and are not among those that ended.
TEST(BenchResult, HasSharesOfOperations) {
  BenchResult result = quiet();
  result.tally.counts.connect_errors[static_cast<std::size_t>(BenchError::refused)] = 11'000;
  EXPECT_DOUBLE_EQ(result.error_share(), 0);
  EXPECT_FALSE(result.has_left_undone());
  result.tally.counts.errors[static_cast<std::size_t>(BenchError::reset)] = 20'000;
  EXPECT_DOUBLE_EQ(result.error_share(), 0.5);
  result.mode = BenchMode::idle;
  result.tally.counts.connects = 99'000;
  EXPECT_DOUBLE_EQ(result.error_share(), 0.1);
}

TEST(Verdict, DoubtsItsOwnFailuresAndRefusesMany) {
  BenchResult result = quiet();
  result.tally.counts.errors[static_cast<std::size_t>(BenchError::no_port)] = 2;
  expect(result, Belief::doubtful, "failed 2 times: no port left 2, no descriptor left 0, other 0");
  result.tally.counts.connect_errors[static_cast<std::size_t>(BenchError::no_descriptor)] = 300;
  expect(result, Belief::invalid, "failed 302 times: no port left 2, no descriptor left 300");
}

TEST(Verdict, DoubtsUnsentAndUnfinishedMessages) {
  BenchResult result = quiet();
  result.tally.held_by_socket = 200;
  result.tally.unfinished = 200;
  result.clock_step_ms = -10;
  expect_nothing(result);
  result.tally.held_by_socket = 201;
  expect(result, Belief::doubtful, "201 of 20,000 (1.00 %) messages found the socket full");
  result.tally.held_by_socket = 0;
  result.tally.unfinished = 201;
  expect(result, Belief::doubtful, "had neither reply nor error at the end");
  result.tally.unfinished = 0;
  result.clock_step_ms = -250;
  expect(result, Belief::doubtful, "the clock was set by 250 ms");
}

TEST(Verdict, DoubtsAPercentileOfAFewValues) {
  BenchResult result = quiet(false);
  result.tally.actual = {};
  result.tally.actual.record(200, 999);
  expect(result, Belief::doubtful, "a p99 needs 1,000 values, and there are 999");
  result.tally.actual.record(200);
  expect(result, Belief::valid, "a p99.9 needs 10,000 values, and there are 1,000");
  result.tally.actual.record(200, 9'000);
  expect_nothing(result);
}

TEST(Verdict, SaysThatItWasInterrupted) {
  BenchResult result = quiet();
  result.interrupted = true;
  expect(result, Belief::valid, "interrupted by the user after 10.0 s");
}

TEST(Verdict, PutsTheGravestFirst) {
  BenchResult result = quiet();
  result.interrupted = true;
  result.threads[0].cpu_seconds = 9;
  result.tally.counts.connect_errors[static_cast<std::size_t>(BenchError::other)] = 1000;
  const Verdict verdict = judge(result);
  EXPECT_EQ(verdict.belief, Belief::invalid);
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("itself failed"), HasSubstr("of a core"),
                                           HasSubstr("interrupted")));
}

}  // namespace
}  // namespace fairlead
