// The time of a load test: finer than that of the other commands, whose turns count milliseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace fairlead {

using BenchDuration = std::chrono::nanoseconds;

// A point of CLOCK_MONOTONIC, or of a test's virtual clock.
using BenchTime = std::chrono::time_point<std::chrono::steady_clock, BenchDuration>;

// Whole microseconds, rounded down, as the histograms hold them; 0 if `to` is before `from`.
constexpr std::uint64_t microseconds_between(BenchTime from, BenchTime to) noexcept {
  if (to <= from) return 0;
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

constexpr double seconds(BenchDuration duration) noexcept {
  return std::chrono::duration<double>(duration).count();
}

// The clock of a worker, and the timer of its loop. Used on one thread.
class BenchClock {
 public:
  // Read for every send and every reply, so cheap.
  virtual BenchTime now() noexcept = 0;

  // Has BenchWorker::on_due() called in a turn at `at` or as soon after it as possible; if that has
  // passed, at once, but in a turn of its own. Replaces what was set before; BenchTime::max()
  // cancels.
  virtual void wake_at(BenchTime at) = 0;

 protected:
  ~BenchClock() = default;
};

}  // namespace fairlead
