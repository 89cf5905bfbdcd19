#include "client/bench/judge/result.hpp"

#include <algorithm>
#include <array>

namespace fairlead {

std::string_view name_of(Belief belief) noexcept {
  constexpr std::array<std::string_view, 3> kNames{"VALID", "DOUBTFUL", "INVALID"};
  return kNames[static_cast<std::size_t>(belief)];
}

SeriesRow series_row(const Interval& interval, bool is_warmup) {
  const CoarseHistogram& latency = interval.latency;
  return {.second = interval.second,
          .is_warmup = is_warmup,
          .counts = interval.counts,
          .connections_open = interval.connections_open,
          .p50 = latency.quantile(0.5),
          .p90 = latency.quantile(0.9),
          .p99 = latency.quantile(0.99),
          .max = latency.max()};
}

double BenchResult::rate() const noexcept {
  return measured_seconds > 0 ? static_cast<double>(tally.counts.done) / measured_seconds : 0;
}

std::uint64_t BenchResult::ended() const noexcept {
  return tally.counts.done + tally.counts.all_mismatches() + tally.counts.all_errors();
}

double BenchResult::error_share() const noexcept {
  const auto errors = static_cast<double>(tally.counts.all_errors());
  return ended() == 0 ? 0 : errors / static_cast<double>(ended());
}

double BenchResult::server_cpu_us() const noexcept {
  if (!server || tally.counts.done == 0) return 0;
  return server->cpu_seconds * 1e6 / static_cast<double>(tally.counts.done);
}

const Histogram& BenchResult::latency() const noexcept {
  return is_open_loop ? tally.intended : tally.actual;
}

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
