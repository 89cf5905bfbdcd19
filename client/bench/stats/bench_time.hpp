// Time as a load test sees it: finer than the rest of the program, whose turns count milliseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace fairlead {

using BenchDuration = std::chrono::nanoseconds;

// A point of CLOCK_MONOTONIC, or of a test's virtual clock.
using BenchTime = std::chrono::time_point<std::chrono::steady_clock, BenchDuration>;

// What the histograms hold: whole microseconds, rounded down. 0 for what lies before `from`.
constexpr std::uint64_t microseconds_between(BenchTime from, BenchTime to) noexcept {
  if (to <= from) return 0;
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

// Read for every send and every reply, so cheap. Used on one thread.
class BenchClock {
 public:
  virtual BenchTime now() noexcept = 0;

 protected:
  ~BenchClock() = default;
};

}  // namespace fairlead
