#include "client/bench/judge/series.hpp"

#include <algorithm>

namespace fairlead {

void BenchSeries::add(std::uint32_t thread, const Interval& interval) {
  Interval& all = waiting_[interval.second];
  all.second = interval.second;
  all += interval;
  handed_in_[thread] = interval.second + 1;
}

std::optional<SeriesRow> BenchSeries::take() {
  if (waiting_.empty()) return {};
  const auto next = waiting_.begin();
  const Interval& interval = next->second;
  const bool is_complete =
      std::ranges::all_of(handed_in_, [&](std::uint32_t count) { return count > interval.second; });
  if (!is_complete) return {};
  const bool is_warmup = std::chrono::seconds(interval.second) < warmup_;
  const SeriesRow row = series_row(interval, is_warmup);
  if (!is_warmup) totals_ += interval;
  totals_.second = interval.second;
  totals_.connections_open = interval.connections_open;
  waiting_.erase(next);
  return row;
}

}  // namespace fairlead
