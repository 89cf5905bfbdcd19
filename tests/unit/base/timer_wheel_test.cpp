#include "common/base/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

namespace fairlead {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint kStart{Duration{123'456'789}};
constexpr Duration ms(std::int64_t count) { return Duration{count}; }

// What one advance() reports, by address.
std::vector<WheelEntry*> reported(TimerWheel& wheel, TimePoint now) {
  std::vector<WheelEntry*> entries;
  wheel.advance(now, [&](WheelEntry& entry) { entries.push_back(&entry); });
  return entries;
}

TEST(TimerWheel, ReportsNothingWhenNothingIsScheduled) {
  TimerWheel wheel(kStart);
  EXPECT_FALSE(wheel.next_due().has_value());
  EXPECT_TRUE(reported(wheel, kStart + hours(1000)).empty());
}

TEST(TimerWheel, NeverReportsEarlyAndAtMostOneSlotLate) {
  for (std::int64_t wait = 0; wait < 3000; wait += 7) {
    TimerWheel wheel(kStart);
    WheelEntry entry;
    const TimePoint deadline = kStart + ms(wait);
    wheel.schedule(entry, deadline);
    TimePoint now = kStart;
    while (entry.is_scheduled()) {
      if (!reported(wheel, now).empty()) break;
      now += ms(1);
    }
    EXPECT_GE(now, deadline);
    EXPECT_LE(now, deadline + TimerWheel::kSlot);
  }
}

TEST(TimerWheel, UnlinksEachEntryBeforeItsCall) {
  TimerWheel wheel(kStart);
  WheelEntry entry;
  wheel.schedule(entry, kStart + ms(5));
  EXPECT_TRUE(entry.is_scheduled());
  EXPECT_EQ(entry.deadline(), kStart + ms(5));
  int calls = 0;
  wheel.advance(kStart + ms(20), [&](WheelEntry& due) {
    ++calls;
    EXPECT_EQ(&due, &entry);
    EXPECT_FALSE(due.is_scheduled());
    EXPECT_EQ(due.deadline(), kNever);
  });
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(wheel.next_due().has_value());
}

TEST(TimerWheel, SchedulingAgainMovesTheEntry) {
  TimerWheel wheel(kStart);
  WheelEntry entry;
  wheel.schedule(entry, kStart + ms(50));
  wheel.schedule(entry, kStart + ms(5000));
  EXPECT_TRUE(reported(wheel, kStart + ms(4999)).empty());
  EXPECT_EQ(reported(wheel, kStart + ms(5010)).size(), 1u);
}

TEST(TimerWheel, NeverCancels) {
  TimerWheel wheel(kStart);
  WheelEntry entry;
  wheel.schedule(entry, kStart + ms(50));
  wheel.schedule(entry, kNever);
  EXPECT_FALSE(entry.is_scheduled());
  EXPECT_FALSE(wheel.next_due().has_value());
  wheel.cancel(entry);
}

TEST(TimerWheel, AnEntryThatEndsIsForgotten) {
  TimerWheel wheel(kStart);
  {
    WheelEntry entry;
    wheel.schedule(entry, kStart + ms(50));
  }
  EXPECT_FALSE(wheel.next_due().has_value());
  EXPECT_TRUE(reported(wheel, kStart + ms(100)).empty());
}

TEST(TimerWheel, AnEntryMayOutliveItsWheel) {
  WheelEntry entry;
  {
    TimerWheel wheel(kStart);
    wheel.schedule(entry, kStart + ms(50));
  }
  EXPECT_FALSE(entry.is_scheduled());
}

TEST(TimerWheel, APastDeadlineIsReportedInTheNextSlot) {
  TimerWheel wheel(kStart);
  WheelEntry entry;
  wheel.schedule(entry, TimePoint{});
  ASSERT_TRUE(wheel.next_due().has_value());
  EXPECT_LE(*wheel.next_due(), kStart + TimerWheel::kSlot);
  EXPECT_EQ(reported(wheel, kStart + TimerWheel::kSlot).size(), 1u);
}

// A handler that asks for "at once" again and again must not hold the loop, even after the process
// was stopped for long.
TEST(TimerWheel, AnEntryIsReportedAtMostOnceInAnAdvance) {
  TimerWheel wheel(kStart);
  WheelEntry entry;
  wheel.schedule(entry, kStart);
  int calls = 0;
  wheel.advance(kStart + hours(100), [&](WheelEntry& due) {
    ++calls;
    wheel.schedule(due, kStart);
  });
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(entry.is_scheduled());
}

TEST(TimerWheel, ReportsInTheOrderOfSlots) {
  TimerWheel wheel(kStart);
  std::vector<std::unique_ptr<WheelEntry>> entries;
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    entries.push_back(std::make_unique<WheelEntry>());
    wheel.schedule(*entries.back(), kStart + ms(random() % 10'000'000));
  }
  std::map<WheelEntry*, TimePoint> deadlines;
  for (const auto& entry : entries) deadlines[entry.get()] = entry->deadline();
  const std::vector<WheelEntry*> order = reported(wheel, kStart + ms(10'000'010));
  ASSERT_EQ(order.size(), entries.size());
  for (std::size_t i = 1; i < order.size(); ++i) {
    EXPECT_LE(deadlines[order[i - 1]], deadlines[order[i]] + TimerWheel::kSlot);
  }
}

TEST(TimerWheel, ACallMayEndOtherEntriesThatAreDue) {
  TimerWheel wheel(kStart);
  auto first = std::make_unique<WheelEntry>();
  auto second = std::make_unique<WheelEntry>();
  wheel.schedule(*first, kStart + ms(10));
  wheel.schedule(*second, kStart + ms(10));
  int calls = 0;
  wheel.advance(kStart + ms(30), [&](WheelEntry&) {
    ++calls;
    first.reset();
    second.reset();
  });
  EXPECT_EQ(calls, 1);
}

TEST(TimerWheel, WhatACallThrowsAwayStaysDue) {
  TimerWheel wheel(kStart);
  WheelEntry first, second;
  wheel.schedule(first, kStart + ms(10));
  wheel.schedule(second, kStart + ms(10));
  const TimePoint now = kStart + ms(30);
  EXPECT_THROW(wheel.advance(now, [](WheelEntry&) { throw std::runtime_error("handler"); }),
               std::runtime_error);
  ASSERT_TRUE(wheel.next_due().has_value());
  EXPECT_LE(*wheel.next_due(), now);
  EXPECT_EQ(reported(wheel, now), std::vector<WheelEntry*>{&second});
}

TEST(TimerWheel, BeyondWhatIsWantedAtATimeEntriesStayDue) {
  TimerWheel wheel(kStart);
  std::vector<WheelEntry> entries(10);
  for (WheelEntry& entry : entries) wheel.schedule(entry, kStart + ms(5));
  const TimePoint now = kStart + ms(20);
  std::size_t calls = 0;
  for (const std::size_t expected : {4u, 8u, 10u, 10u}) {
    wheel.advance(
        now, [&calls](WheelEntry&) { ++calls; }, 4);
    EXPECT_EQ(calls, expected);
    EXPECT_EQ(wheel.next_due().has_value(), expected < entries.size());
    EXPECT_LE(wheel.next_due().value_or(now), now);
  }
}

TEST(TimerWheel, TimeThatGoesBackwardsChangesNothing) {
  TimerWheel wheel(kStart);
  WheelEntry entry;
  EXPECT_TRUE(reported(wheel, kStart + seconds(10)).empty());
  wheel.schedule(entry, kStart + seconds(11));
  EXPECT_TRUE(reported(wheel, kStart).empty());
  EXPECT_EQ(reported(wheel, kStart + ms(11'010)).size(), 1u);

  EXPECT_TRUE(reported(wheel, kStart).empty());
  wheel.schedule(entry, kStart + seconds(5));
  EXPECT_GT(wheel.next_due(), kStart + seconds(11));
}

TEST(TimerWheel, DeadlinesYearsAheadAreExact) {
  for (const auto wait : {hours(24 * 30), hours(24 * 365 * 10), hours(24 * 365 * 1000)}) {
    TimerWheel wheel(kStart);
    WheelEntry entry;
    const TimePoint deadline = kStart + wait;
    wheel.schedule(entry, deadline);
    EXPECT_TRUE(reported(wheel, deadline - ms(1)).empty());
    EXPECT_EQ(reported(wheel, deadline + TimerWheel::kSlot).size(), 1u);
  }
}

TEST(TimerWheel, TheLastDeadlineBeforeNeverIsAccepted) {
  TimerWheel wheel(kStart);
  WheelEntry entry;
  wheel.schedule(entry, kNever - ms(1));
  EXPECT_TRUE(entry.is_scheduled());
  EXPECT_TRUE(reported(wheel, kStart + hours(24 * 365 * 200)).empty());
  EXPECT_TRUE(entry.is_scheduled());
}

// Waking at next_due() and nowhere else reports everything in time.
TEST(TimerWheel, NextDueIsNeverTooLate) {
  std::mt19937_64 random(42);
  for (int round = 0; round < 2000; ++round) {
    TimerWheel wheel(kStart);
    WheelEntry entry;
    const TimePoint deadline =
        kStart + ms(static_cast<std::int64_t>(random() >> (20 + random() % 40)));
    wheel.schedule(entry, deadline);
    int wakes = 0;
    while (entry.is_scheduled()) {
      const auto due = wheel.next_due();
      ASSERT_TRUE(due.has_value());
      ASSERT_LE(*due, deadline + TimerWheel::kSlot);
      const bool fired = !reported(wheel, *due).empty();
      ASSERT_TRUE(!fired || *due >= deadline);
      ASSERT_LE(++wakes, 10);
    }
  }
}

TEST(TimerWheel, AnIdleDaemonSleeps) {
  TimerWheel wheel(kStart);
  std::vector<std::unique_ptr<WheelEntry>> sessions;
  std::mt19937 random(3);
  for (int i = 0; i < 1000; ++i) {
    sessions.push_back(std::make_unique<WheelEntry>());
    wheel.schedule(*sessions.back(), kStart + minutes(10) + ms(random() % 100));
  }
  const TimePoint end = kStart + minutes(9);
  int wakes = 0;
  for (auto due = wheel.next_due(); *due < end; due = wheel.next_due()) {
    EXPECT_TRUE(reported(wheel, *due).empty());
    ++wakes;
  }
  EXPECT_LE(wakes, 9 * 3);
}

// The wheel against a sorted map, under random use with calls that change other entries.
class WheelModel {
 public:
  explicit WheelModel(unsigned seed) : random_(seed), wheel_(kStart) {
    for (std::size_t i = 0; i < 40; ++i) items_.push_back(std::make_unique<Item>());
  }

  void run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
      SCOPED_TRACE(step);
      if (random_() % 4 == 0) {
        advance();
      } else {
        change_one();
      }
      check_next_due();
    }
  }

 private:
  struct Item : WheelEntry {};
  using Deadlines = std::multimap<TimePoint, WheelEntry*>;

  Duration random_wait() {
    switch (random_() % 8) {
      case 0:
        return ms(-static_cast<std::int64_t>(random_() % 1000));
      case 1:
        return ms(static_cast<std::int64_t>(random_() >> 24));  // to 34 years
      case 2:
        return ms(static_cast<std::int64_t>(random_() % 100'000'000));
      case 3:
      case 4:
        return ms(static_cast<std::int64_t>(random_() % 100'000));
      default:
        return ms(static_cast<std::int64_t>(random_() % 700));
    }
  }

  void forget(WheelEntry* entry) {
    std::erase_if(model_, [&](const auto& item) { return item.second == entry; });
  }

  void change_one() {
    std::unique_ptr<Item>& item = items_[random_() % items_.size()];
    forget(item.get());
    switch (random_() % 8) {
      case 0:
        wheel_.cancel(*item);
        break;
      case 1:
        wheel_.schedule(*item, kNever);
        break;
      case 2:
        item = std::make_unique<Item>();
        break;
      default: {
        const TimePoint deadline = now_ + random_wait();
        wheel_.schedule(*item, deadline);
        // A deadline in the past counts as one in the next slot.
        model_.emplace(std::max(deadline, floor_of(now_) + ms(1)), item.get());
      }
    }
  }

  static TimePoint floor_of(TimePoint time) { return TimePoint(time.time_since_epoch() / 10 * 10); }

  void advance() {
    now_ += std::max(ms(0), random_wait());
    TimePoint before{};
    wheel_.advance(now_, [&](WheelEntry& entry) {
      const auto found = std::find_if(model_.begin(), model_.end(),
                                      [&](const auto& item) { return item.second == &entry; });
      ASSERT_NE(found, model_.end()) << "reported, but not scheduled";
      ASSERT_LE(found->first, now_) << "reported early";
      ASSERT_LE(before, found->first + TimerWheel::kSlot) << "out of order";
      ASSERT_FALSE(entry.is_scheduled());
      before = found->first;
      model_.erase(found);
      for (unsigned changes = random_() % 3; changes > 0; --changes) change_one();
    });
    for (const auto& [deadline, entry] : model_) {
      ASSERT_GT(deadline + TimerWheel::kSlot, now_) << "not reported";
      ASSERT_TRUE(entry->is_scheduled());
    }
  }

  void check_next_due() {
    const auto due = wheel_.next_due();
    ASSERT_EQ(due.has_value(), !model_.empty());
    if (!due) return;
    ASSERT_LE(*due, model_.begin()->first + TimerWheel::kSlot);
    ASSERT_GT(*due, floor_of(now_)) << "the loop would spin";
  }

  std::mt19937_64 random_;
  TimerWheel wheel_;
  TimePoint now_ = kStart;
  std::vector<std::unique_ptr<Item>> items_;
  Deadlines model_;
};

TEST(TimerWheel, EqualsASortedMapUnderRandomUse) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    WheelModel(seed).run(500);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace fairlead
