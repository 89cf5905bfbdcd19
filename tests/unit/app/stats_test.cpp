#include "server/app/stats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::map<std::string, std::uint64_t> values_of(const std::vector<Field>& fields) {
  std::map<std::string, std::uint64_t> values;
  for (const Field& field : fields)
    values.emplace(field.name, std::get<std::uint64_t>(field.value));
  EXPECT_EQ(values.size(), fields.size()) << "no name stands there twice";
  return values;
}

// Counters of which each is another number, so that none can be taken for another.
Counters distinct_counters() {
  Counters counters;
  std::uint64_t next = 1;
  for (const auto& row : kCounterTable) counters.*row.member = next++;
  for (std::uint64_t& closed : counters.closed) closed = next++;
  return counters;
}

TEST(Stats, AddUpEveryCounter) {
  const Counters once = distinct_counters();
  Counters twice = once;
  twice += once;
  for (const auto& [name, member] : kCounterTable)
    EXPECT_EQ(twice.*member, 2 * once.*member) << name;
  for (std::size_t i = 0; i < kCloseReasonCount; ++i)
    EXPECT_EQ(twice.closed[i], 2 * once.closed[i]) << name_of(static_cast<CloseReason>(i));
}

TEST(Stats, ShowTheCountersAndTheReasonsThatHaveASession) {
  ShardReport report;
  report.counters.accepted = 5;
  report.counters.open = 2;
  report.counters.closed[static_cast<std::size_t>(CloseReason::reset)] = 3;
  const auto values =
      values_of(counter_fields(report, {.heap_in_use = 100, .log_lost = 7, .transcript_lost = 8}));
  EXPECT_EQ(values.at("accepted"), 5U);
  EXPECT_EQ(values.at("open"), 2U);
  EXPECT_EQ(values.at("reset"), 3U);
  EXPECT_EQ(values.at("heap_in_use"), 100U);
  EXPECT_EQ(values.at("log_lost"), 7U);
  EXPECT_EQ(values.at("transcript_lost"), 8U);
  EXPECT_FALSE(values.contains("peer_closed"));
}

TEST(Stats, CountRepliesAboveTwoMillisecondsAsLate) {
  ShardReport report;
  for (const std::uint64_t us : {10, 100, 5000, 9000}) report.times.replies.record(us);
  const auto values = values_of(counter_fields(report, {}));
  EXPECT_EQ(values.at("replies_timed"), 4U);
  EXPECT_EQ(values.at("replies_late"), 2U);
}

TEST(Stats, CountSessionsByProtocolInTheOrderOfTheDocument) {
  Census census{.text = 4, .len32 = 3, .framed = 2, .undecided = 1};
  census += census;
  std::vector<std::pair<std::string, std::uint64_t>> shown;
  for (const Field& field : census_fields(census))
    shown.emplace_back(field.name, std::get<std::uint64_t>(field.value));
  EXPECT_THAT(shown, ElementsAre(Pair("text", 8), Pair("len32", 6), Pair("framed", 4),
                                 Pair("undecided", 2)));
}

}  // namespace
}  // namespace fairlead
