// Signals of this very process.
#include "common/io/signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <initializer_list>
#include <optional>

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
  signals.emplace(loop, std::initializer_list<int>{SIGUSR1, SIGUSR2}, [&](int) {
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
  Signals one(first, {SIGUSR1}, [&](int number) {
    told.push_back(number);
    first.stop();
  });
  Signals other(second, {SIGUSR2}, [&](int number) {
    told.push_back(number);
    second.stop();
  });
  ASSERT_EQ(0, ::raise(SIGUSR1));
  ASSERT_EQ(0, ::raise(SIGUSR2));
  first.run();
  second.run();
  EXPECT_EQ((std::vector{SIGUSR1, SIGUSR2}), told);
}

}  // namespace
}  // namespace fairlead
