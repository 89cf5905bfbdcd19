#include "common/log/repeat_limit.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace fairlead {
namespace {

using std::chrono::seconds;

constexpr RepeatLimit::Time kStart{seconds(1000)};
constexpr auto kWindow = RepeatLimit::kWindow;

TEST(RepeatLimit, AdmitsSoManyAndCountsTheRest) {
  RepeatLimit limit(2);
  EXPECT_TRUE(limit.admits(Level::warn, "event", "", kStart));
  EXPECT_EQ(limit.next_due(), RepeatLimit::Time::max()) << "nothing can have been suppressed yet";
  EXPECT_TRUE(limit.admits(Level::warn, "event", "", kStart));
  EXPECT_EQ(limit.next_due(), kStart + kWindow);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(limit.admits(Level::warn, "event", "", kStart));

  EXPECT_TRUE(limit.take_due(kStart + seconds(9)).empty());
  const auto due = limit.take_due(kStart + kWindow);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].event, "event");
  EXPECT_EQ(due[0].reason, "");
  EXPECT_EQ(due[0].level, Level::warn);
  EXPECT_EQ(due[0].lines, 5u);
  EXPECT_TRUE(limit.take_due(kStart + kWindow).empty()) << "each once";
  EXPECT_EQ(limit.next_due(), RepeatLimit::Time::max());
}

TEST(RepeatLimit, CountsEachReasonOfAnEventByItself) {
  RepeatLimit limit(1);
  EXPECT_TRUE(limit.admits(Level::info, "session", "denied", kStart));
  EXPECT_TRUE(limit.admits(Level::info, "session", "ip_limit", kStart));
  EXPECT_FALSE(limit.admits(Level::info, "session", "denied", kStart));
  const auto due = limit.take_due(RepeatLimit::Time::max());
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].reason, "denied");
  EXPECT_EQ(due[0].lines, 1u);
}

TEST(RepeatLimit, ANewWindowAdmitsAgainAndForgetsNothing) {
  RepeatLimit limit(1);
  limit.admits(Level::warn, "event", "", kStart);
  limit.admits(Level::warn, "event", "", kStart);
  EXPECT_TRUE(limit.admits(Level::warn, "event", "", kStart + kWindow)) << "nobody had asked yet";
  EXPECT_FALSE(limit.admits(Level::warn, "event", "", kStart + kWindow));
  const auto due = limit.take_due(RepeatLimit::Time::max());
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].lines, 2u);
}

TEST(RepeatLimit, AccountsForEveryLineWhateverTheTimes) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    RepeatLimit limit(1 + random() % 4);
    std::map<std::string, std::uint64_t> asked, admitted, suppressed;
    const auto count = [&](const std::vector<RepeatLimit::Suppressed>& kinds) {
      for (const auto& kind : kinds) suppressed[kind.event] += kind.lines;
    };
    RepeatLimit::Time now = kStart;
    for (int step = 0; step < 300; ++step) {
      now += std::chrono::milliseconds(random() % 900);
      const std::string event(1, static_cast<char>('a' + random() % 3));
      ++asked[event];
      if (limit.admits(Level::warn, event, "", now)) ++admitted[event];
      if (random() % 10 == 0) count(limit.take_due(now));
    }
    count(limit.take_due(RepeatLimit::Time::max()));
    for (const auto& [event, lines] : asked) {
      ASSERT_EQ(lines, admitted[event] + suppressed[event]) << event << " in round " << round;
    }
  }
}

}  // namespace
}  // namespace fairlead
