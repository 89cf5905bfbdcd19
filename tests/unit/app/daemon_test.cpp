#include "server/app/daemon.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/unit/app/running_daemon.hpp"

namespace fairlead {
namespace {

using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kLongTimes = "[timeouts]\ndrain = 10m\nlame_duck = 10m\nlinger = 10ms\n";

// Notes what the daemon asks of it.
class RecordingComponent final : public Component {
 public:
  Outcome<> start() override {
    calls.push_back("start");
    return on_start;
  }
  void begin_drain() override { calls.push_back("begin_drain"); }
  void stop() override { calls.push_back("stop"); }

  Outcome<> on_start;
  std::vector<std::string> calls;
};

void wait_until_refusing(std::uint16_t port) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!refuses(port) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(refuses(port));
}

TEST(Daemon, ServesOnAllItsThreadsAndCountsWhatItServed) {
  RunningDaemon running(kTwoListeners);
  running.open();
  running.run();
  for (int i = 0; i < 6; ++i) {
    const Socket client = running.connect(i % 2 == 0 ? "main" : "other");
    expect_echo(client, "hello\n");
    client.end_sending();
    EXPECT_EQ(client.receive_until_end(), "");
  }
  running.daemon().request_stop(StopRequest::drain);
  EXPECT_TRUE(running.outcome());
  const std::string log = running.log();
  EXPECT_THAT(log, HasSubstr("info ready name=fairlead threads=2\n"));
  EXPECT_THAT(log, HasSubstr("info draining text=0 len32=0 framed=0 undecided=0\n"));
  EXPECT_THAT(log, HasSubstr("info counters accepted=6 open=0 bytes_in=36 bytes_out=36 "));
  EXPECT_THAT(log, HasSubstr(" peer_closed=6\n"));
  EXPECT_THAT(log, HasSubstr("info stopped uptime=0\n"));
}

TEST(Daemon, DrainsWhileItServesItsSessionsOn) {
  RunningDaemon running(kTwoListeners + kLongTimes);
  running.open();
  running.run();
  const Socket client = running.connect();
  expect_echo(client, "before\n");
  const std::uint16_t port = running.port();
  running.daemon().request_stop(StopRequest::drain);
  wait_until_refusing(port);
  expect_echo(client, "after\n");
  client.end_sending();
  EXPECT_EQ(client.receive_until_end(), "");
  EXPECT_TRUE(running.outcome());
  EXPECT_THAT(running.log(), HasSubstr("info draining "));
}

TEST(Daemon, EvictsWhoeverIsLeftAtTheDeadline) {
  RunningDaemon running(kTwoListeners + "[timeouts]\ndrain = 10ms\nlinger = 10ms\n");
  running.open();
  running.run();
  const Socket client = running.connect();
  expect_echo(client, "hello\n");
  running.daemon().request_stop(StopRequest::drain);
  EXPECT_EQ(client.receive_until_end(), "");
  EXPECT_TRUE(running.outcome());
  const std::string log = running.log();
  EXPECT_THAT(log, HasSubstr("info \"drain deadline reached\" text=1 "));
  EXPECT_THAT(log, HasSubstr(" draining=1\n"));
}

TEST(Daemon, LetsALameDuckGoOneSessionAfterTheOther) {
  RunningDaemon running(kTwoListeners + "[timeouts]\nlame_duck = 10ms\nlinger = 10ms\n");
  running.open();
  running.run();
  const Socket client = running.connect();
  expect_echo(client, "hello\n");
  running.daemon().request_stop(StopRequest::lame_duck);
  EXPECT_EQ(client.receive_until_end(), "");
  EXPECT_TRUE(running.outcome());
  EXPECT_THAT(running.log(), HasSubstr("info \"lame duck\" text=1 "));
}

TEST(Daemon, LeavesAtOnceWhenItIsAskedTwice) {
  RunningDaemon running(kTwoListeners + kLongTimes);
  running.open();
  running.run();
  const Socket client = running.connect();
  expect_echo(client, "hello\n");
  running.daemon().request_stop(StopRequest::drain);
  running.daemon().request_stop(StopRequest::drain);
  EXPECT_TRUE(running.outcome());
  EXPECT_THAT(running.log(), HasSubstr("warn \"second signal: leaving at once\"\n"));
}

TEST(Daemon, SaysWhichSignalOfWhomBeganAStop) {
  const SignalEvent quit{
      .number = SIGQUIT, .has_sender = true, .sender_pid = 4711, .sender_uid = 12};
  RunningDaemon running(kTwoListeners + kLongTimes);
  running.open();
  running.run();
  const Socket client = running.connect();
  expect_echo(client, "hello\n");
  running.daemon().request_stop(StopRequest::lame_duck, quit);
  for (TimePoint deadline = kNever; deadline == kNever;)
    running.call([&] { deadline = running.daemon().shutdown().deadline(); });
  running.daemon().request_stop(StopRequest::lame_duck, {.number = SIGUSR2});
  running.daemon().request_stop(StopRequest::drain, {.number = SIGINT});
  std::promise<void> is_draining;
  running.call([&] { running.daemon().probe_loops([&] { is_draining.set_value(); }); });
  is_draining.get_future().wait();
  client.end_sending();
  EXPECT_EQ(client.receive_until_end(), "");
  EXPECT_TRUE(running.outcome());
  const std::string log = running.log();
  EXPECT_THAT(log, ContainsRegex("lame duck.* signal=QUIT sender_pid=4711 sender_uid=12\n"));
  EXPECT_THAT(log, ContainsRegex("info draining .* undecided=0 signal=INT\n"))
      << "what changes nothing is no cause, and Ctrl-C is nobody's";
}

// The last client leaves while the other thread has not heard yet that the drain begins.
TEST(Daemon, SaysThatItDrainsHoweverSoonTheLastClientLeaves) {
  for (int round = 0; round < 20; ++round) {
    RunningDaemon running(kTwoListeners + kLongTimes);
    running.open();
    running.run();
    const Socket client = running.connect();
    expect_echo(client, "hello\n");
    running.daemon().request_stop(StopRequest::lame_duck);
    for (TimePoint deadline = kNever; deadline == kNever;)
      running.call([&] { deadline = running.daemon().shutdown().deadline(); });
    running.daemon().request_stop(StopRequest::drain);
    client.end_sending();
    EXPECT_EQ(client.receive_until_end(), "");
    EXPECT_TRUE(running.outcome());
    EXPECT_THAT(running.log(), HasSubstr("info draining "));
  }
}

TEST(Daemon, LogsItsCountersWhenAsked) {
  RunningDaemon running(kTwoListeners);
  running.open();
  running.run();
  const Socket client = running.connect();
  expect_echo(client, "hello\n");
  running.daemon().log_counters();
  running.daemon().request_stop(StopRequest::drain);
  client.end_sending();
  EXPECT_EQ(client.receive_until_end(), "");
  EXPECT_THAT(running.log(), HasSubstr("info counters accepted=1 open=1 bytes_in=6 "));
}

TEST(Daemon, TakesItsComponentsThroughEveryStage) {
  RunningDaemon running(kTwoListeners);
  RecordingComponent part;
  running.daemon().add(part);
  running.open();
  running.run();
  running.daemon().request_stop(StopRequest::drain);
  running.outcome();
  EXPECT_THAT(part.calls, ElementsAre("start", "begin_drain", "stop"));
}

TEST(Daemon, StopsItsComponentsOnceWhenItLeavesAtOnce) {
  RunningDaemon running(kTwoListeners + kLongTimes);
  RecordingComponent part;
  running.daemon().add(part);
  running.open();
  const Socket client = running.connect();
  running.run();
  running.daemon().request_stop(StopRequest::drain);
  running.daemon().request_stop(StopRequest::drain);
  running.outcome();
  EXPECT_THAT(part.calls, ElementsAre("start", "begin_drain", "stop"));
}

TEST(Daemon, DoesNotServeWhenAComponentCannotStart) {
  RunningDaemon running(kTwoListeners);
  RecordingComponent part;
  part.on_start = failure("no such luck");
  running.daemon().add(part);
  running.open();
  running.run();
  ASSERT_FALSE(running.outcome());
  EXPECT_EQ(running.outcome().error().what, "no such luck");
  EXPECT_THAT(part.calls, ElementsAre("start", "stop"));
  EXPECT_THAT(running.log(), Not(HasSubstr("info ready")));
}

}  // namespace
}  // namespace fairlead
