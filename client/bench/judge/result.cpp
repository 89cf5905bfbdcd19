#include "client/bench/judge/result.hpp"

#include <algorithm>
#include <array>

#include "client/bench/stats/figures.hpp"

namespace fairlead {
namespace {

// The end of a run waits for so long (BenchWorker::kDrainMax), but for a shorter --timeout, after
// which nothing is unfinished.
constexpr double kSilentSeconds = 1.9;

double share_of(std::uint64_t part, std::uint64_t whole) noexcept {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

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
  const double owned = intended_rate > 0 ? static_cast<double>(tally.due) / intended_rate : 0;
  const double seconds = std::max(measured_seconds, owned);
  return seconds > 0 ? static_cast<double>(tally.done_in_time) / seconds : 0;
}

std::uint64_t BenchResult::errors() const noexcept {
  return mode == BenchMode::idle ? tally.counts.all_connect_errors() : tally.counts.all_errors();
}

std::uint64_t BenchResult::ended() const noexcept {
  return mode == BenchMode::idle ? tally.counts.connects + errors() : ledger().ended();
}

double BenchResult::error_share() const noexcept { return share_of(errors(), ended()); }

double BenchResult::mismatch_share() const noexcept {
  return share_of(tally.counts.all_mismatches(), ended() + tally.counts.unasked());
}

bool BenchResult::has_gone_silent() const noexcept {
  return tally.unfinished > 0 && silent_seconds >= kSilentSeconds;
}

bool BenchResult::has_left_undone() const noexcept {
  const std::uint64_t unconnected = tally.never_sent[static_cast<std::size_t>(Wait::connection)] +
                                    tally.never_sent[static_cast<std::size_t>(Wait::back_off)];
  if (mode == BenchMode::idle) return share_of(connections_missing(), connections) > kNoticeable;
  return tally.counts.done == 0 || has_gone_silent() ||
         share_of(unconnected, tally.due) > kNoticeable;
}

double BenchResult::server_cpu_us() const noexcept {
  if (!server || tally.counts.done == 0) return 0;
  return server->cpu_seconds * 1e6 / static_cast<double>(tally.counts.done);
}

const Histogram& BenchResult::latency() const noexcept {
  return is_open_loop ? tally.intended : tally.actual;
}

BenchResult result_so_far(const Interval& totals, BenchMode mode, double measured_seconds) {
  BenchResult result{.mode = mode, .measured_seconds = measured_seconds};
  result.tally.counts = totals.counts;
  result.tally.done_in_time = totals.counts.done;
  totals.latency.each([&](std::uint64_t, std::uint64_t greatest, std::uint64_t times) {
    result.tally.actual.record(std::min(greatest, totals.latency.max()), times);
  });
  return result;
}

std::string waits_text(const Waits& waits) {
  constexpr std::array<std::string_view, kWaits> kTexts{" waited for replies", " had no connection",
                                                        " waited for the test to connect again",
                                                        " were late for no reason of the server's"};
  std::string text;
  for (std::size_t i = 0; i < kWaits; ++i) {
    if (waits[i] == 0) continue;
    text.append(text.empty() ? "" : ", ").append(count_figure(waits[i])).append(kTexts[i]);
  }
  return text;
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
