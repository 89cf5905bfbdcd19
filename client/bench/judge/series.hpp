// The seconds of a run, put together from those of its threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "client/bench/judge/result.hpp"

namespace fairlead {

// Used on one thread. A second is complete when every thread has handed it in or has ended.
class BenchSeries {
 public:
  BenchSeries(std::uint32_t threads, BenchDuration warmup) : handed_in_(threads), warmup_(warmup) {}

  void add(std::uint32_t thread, const Interval& interval);
  void end(std::uint32_t thread) { handed_in_[thread] = kAll; }

  // The next second, if it is complete.
  std::optional<SeriesRow> take();

  // Of the seconds taken, without those of the warm-up; `second` is the last.
  const Interval& totals() const noexcept { return totals_; }

 private:
  static constexpr std::uint32_t kAll = ~std::uint32_t{0};

  std::map<std::uint32_t, Interval> waiting_;
  std::vector<std::uint32_t> handed_in_;  // how many seconds, by thread
  const BenchDuration warmup_;
  Interval totals_;
};

}  // namespace fairlead
