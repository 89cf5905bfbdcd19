// The table of deadlines: what each waits for, and which one acts.
#include "server/core/deadlines.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fairlead {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kNow{1h};

const TimeoutSettings kTimeouts{.idle = 0s,
                                .first_byte = 4s,
                                .message = 5s,
                                .write = 6s,
                                .linger = 2s,
                                .drain = 0s,
                                .lame_duck = 0s};
const Waits kWaits{.timeouts = kTimeouts, .idle = 7s, .greet_wait = 100ms, .pause = 20ms};

TimePoint at(const Clocks& clocks, Expiry what, const Waits& waits = kWaits) {
  const auto all = deadlines(clocks, waits);
  return std::ranges::find(all, what, &Deadline::what)->at;
}

TEST(Deadlines, WithoutAClockThereIsNone) {
  EXPECT_EQ(kNever, earliest(deadlines(Clocks{}, kWaits)));
}

TEST(Deadlines, EachRunsFromItsOwnClock) {
  struct {
    TimePoint Clocks::*since;
    Expiry what;
    Duration wait;
  } const kRows[] = {
      {&Clocks::stopping_since, Expiry::ending, 30s},
      {&Clocks::lingering_since, Expiry::linger_total, 30s},
      {&Clocks::linger_silent_since, Expiry::linger_silence, 2s},
      {&Clocks::write_blocked_since, Expiry::write, 6s},
      {&Clocks::unheard_since, Expiry::first_byte, 4s},
      {&Clocks::idle_since, Expiry::idle, 7s},
      {&Clocks::ungreeted_since, Expiry::greeting, 100ms},
      {&Clocks::message_since, Expiry::message, 5s},
      {&Clocks::silent_since, Expiry::pause, 20ms},
  };
  for (const auto& row : kRows) {
    Clocks clocks;
    clocks.*row.since = kNow;
    EXPECT_EQ(kNow + row.wait, at(clocks, row.what)) << static_cast<int>(row.what);
    EXPECT_EQ(kNow + row.wait, earliest(deadlines(clocks, kWaits)));
  }
}

TEST(Deadlines, AWaitOfZeroIsWithoutEndButForSilences) {
  const TimeoutSettings none{};
  const Waits waits{.timeouts = none, .idle = 0s, .greet_wait = 0s, .pause = 0s};
  Clocks clocks;
  clocks.linger_silent_since = clocks.write_blocked_since = clocks.unheard_since = kNow;
  clocks.idle_since = clocks.message_since = kNow;
  EXPECT_EQ(kNever, earliest(deadlines(clocks, waits)));
  clocks.ungreeted_since = clocks.silent_since = kNow;
  EXPECT_EQ(kNow, at(clocks, Expiry::greeting, waits));
  EXPECT_EQ(kNow, at(clocks, Expiry::pause, waits));
}

TEST(Deadlines, WhileTheDaemonStopsAWriteWaitsNoLongerThanASilence) {
  Clocks clocks;
  clocks.write_blocked_since = kNow;
  clocks.stopping_since = kNow - 1s;
  EXPECT_EQ(kNow + 2s, at(clocks, Expiry::write));
  const TimeoutSettings no_linger{};
  EXPECT_EQ(kNow + 2s, at(clocks, Expiry::write, {no_linger, 0s, 0s, 0s}));
}

TEST(Deadlines, StandInTheOrderInWhichTheyAct) {
  Clocks clocks;
  clocks.write_blocked_since = clocks.idle_since = clocks.message_since = kNow;
  const auto all = deadlines(clocks, kWaits);
  const auto first_due = [&all](TimePoint now) {
    return std::ranges::find_if(all, [now](const Deadline& due) { return due.at <= now; })->what;
  };
  EXPECT_EQ(Expiry::message, first_due(kNow + 5s));
  EXPECT_EQ(Expiry::write, first_due(kNow + 7s));
}

}  // namespace
}  // namespace fairlead
