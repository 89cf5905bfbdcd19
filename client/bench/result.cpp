#include "client/bench/result.hpp"

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

double BenchResult::error_share() const noexcept {
  const std::uint64_t errors = tally.counts.all_errors();
  const std::uint64_t ended = tally.counts.done + tally.counts.all_mismatches() + errors;
  return ended == 0 ? 0 : static_cast<double>(errors) / static_cast<double>(ended);
}

const Histogram& BenchResult::latency() const noexcept {
  return is_open_loop ? tally.intended : tally.actual;
}

}  // namespace fairlead
