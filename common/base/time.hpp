// Time in the code that reads no clock: it is passed in, and monotonic.
#pragma once

#include <chrono>

namespace fairlead {

using Duration = std::chrono::milliseconds;

// A point of CLOCK_MONOTONIC (or of a simulation's virtual clock), in whole milliseconds.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

constexpr TimePoint kNever = TimePoint::max();

// `at + wait`, saturated at kNever; a wait of zero means "no limit".
constexpr TimePoint deadline_after(TimePoint at, Duration wait) noexcept {
  if (wait == Duration::zero()) return kNever;
  return at > kNever - wait ? kNever : at + wait;
}

}  // namespace fairlead
