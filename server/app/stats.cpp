#include "server/app/stats.hpp"

#include "common/protocol/close_reason.hpp"

namespace fairlead {
namespace {

// Replies above 2 ms: unlike percentiles these add up, over any number of lines.
std::uint64_t late_replies(const CoarseHistogram& times) {
  constexpr std::uint64_t kLate = 2000;  // us
  std::uint64_t late = 0;
  times.each([&](std::uint64_t, std::uint64_t greatest, std::uint64_t count) {
    if (greatest > kLate) late += count;
  });
  return late;
}

template <class Figures, class Table>
void append(std::vector<Field>& fields, const Figures& figures, const Table& table) {
  for (const auto& [name, member] : table) fields.push_back(field(name, figures.*member));
}

}  // namespace

std::vector<Field> counter_fields(const ShardReport& sum, const ProcessFigures& process) {
  std::vector<Field> fields;
  append(fields, sum.counters, kCounterTable);
  if (sum.counters.taken_over + sum.counters.handed_over > 0)
    append(fields, sum.counters, kUpgradeCounterTable);
  const auto& [turns, replies] = sum.times;
  fields.insert(
      fields.end(),
      {field("turn_us_max", turns.max()), field("reply_us_p50", replies.quantile(0.5)),
       field("reply_us_p99", replies.quantile(0.99)), field("replies_timed", replies.count()),
       field("replies_late", late_replies(replies)), field("heap_in_use", process.heap_in_use),
       field("log_lost", process.log_lost), field("transcript_lost", process.transcript_lost)});
  const auto& closed = sum.counters.closed;
  for (std::size_t i = 1; i < closed.size(); ++i) {
    if (closed[i] > 0) fields.push_back(field(name_of(static_cast<CloseReason>(i)), closed[i]));
  }
  return fields;
}

std::vector<Field> census_fields(const Census& census) {
  std::vector<Field> fields;
  append(fields, census, kCensusTable);
  return fields;
}

}  // namespace fairlead
