// Signals of this very process.
#include "common/io/signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <vector>

#include "tests/integration/loop_thread.hpp"

namespace fairlead {
namespace {

// The second signal has come before the first one's handler ends the waiting. What has come is then
// not told, and above all nothing is waited for again: the loop has to end.
TEST(SignalsTest, ASignalThatHasComeBeforeTheStopIsNotToldBehindIt) {
  EmptyTurns turns;
  Loop loop;
  loop.drive(turns);
  int told = 0;
  std::optional<Signals> signals;
  signals.emplace(loop, std::initializer_list<int>{SIGUSR1, SIGUSR2}, [&](const SignalEvent&) {
    ++told;
    signals->stop();
    loop.release();
  });
  ASSERT_EQ(0, ::raise(SIGUSR1));
  ASSERT_EQ(0, ::raise(SIGUSR2));
  loop.run();
  EXPECT_EQ(1, told);
}

TEST(SignalsTest, TwoLoopsMayWaitForSignals) {
  EmptyTurns turns;
  Loop first, second;
  first.drive(turns);
  second.drive(turns);
  std::vector<int> told;
  Signals one(first, {SIGUSR1}, [&](const SignalEvent& signal) {
    told.push_back(signal.number);
    first.stop();
  });
  Signals other(second, {SIGUSR2}, [&](const SignalEvent& signal) {
    told.push_back(signal.number);
    second.stop();
  });
  ASSERT_EQ(0, ::raise(SIGUSR1));
  ASSERT_EQ(0, ::raise(SIGUSR2));
  first.run();
  second.run();
  EXPECT_EQ((std::vector{SIGUSR1, SIGUSR2}), told);
}

// Those that come before the loop looks.
std::vector<SignalEvent> events_of(const std::function<void()>& raise_some, std::size_t count) {
  EmptyTurns turns;
  Loop loop;
  loop.drive(turns);
  std::vector<SignalEvent> told;
  const Signals signals(loop, {SIGUSR1, SIGUSR2, SIGALRM}, [&](const SignalEvent& signal) {
    told.push_back(signal);
    if (told.size() == count) loop.stop();
  });
  raise_some();
  loop.run();
  return told;
}

TEST(SignalsTest, EachIsToldInItsOrderWithItsSender) {
  const auto told = events_of(
      [] {
        for (const int number : {SIGUSR1, SIGUSR2, SIGUSR1, SIGUSR1})
          ASSERT_EQ(0, ::kill(::getpid(), number));
      },
      4);
  std::vector<int> numbers;
  for (const SignalEvent& signal : told) {
    numbers.push_back(signal.number);
    EXPECT_TRUE(signal.has_sender);
    EXPECT_EQ(signal.sender_pid, ::getpid());
    EXPECT_EQ(signal.sender_uid, ::getuid());
  }
  EXPECT_EQ(numbers, (std::vector{SIGUSR1, SIGUSR2, SIGUSR1, SIGUSR1}));
  EXPECT_EQ(told[0].name(), "USR1");
}

TEST(SignalsTest, WhatTheKernelSendsHasNoSender) {
  const auto told = events_of(
      [] {
        const itimerval soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 1}};
        ASSERT_EQ(0, ::setitimer(ITIMER_REAL, &soon, nullptr));
      },
      1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].name(), "ALRM");
  EXPECT_FALSE(told[0].has_sender);
}

TEST(SignalsTest, WhatWasThereBeforeIsInForceAgain) {
  ASSERT_NE(SIG_ERR, ::signal(SIGALRM, SIG_IGN));
  events_of([] { ::raise(SIGALRM); }, 1);
  EXPECT_EQ(SIG_IGN, ::signal(SIGALRM, SIG_DFL));
}

}  // namespace
}  // namespace fairlead
