// Time as the pure parts see it: passed in, monotonic, never read from a clock here.
#pragma once

#include <chrono>

namespace fairlead {

using Duration = std::chrono::milliseconds;

// A point of CLOCK_MONOTONIC (or of a simulation's virtual clock), in whole milliseconds.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

constexpr TimePoint kNever = TimePoint::max();

// `at + wait`, where zero means "no such limit" and nothing overflows.
constexpr TimePoint deadline_after(TimePoint at, Duration wait) noexcept {
  if (wait == Duration::zero()) return kNever;
  return at > kNever - wait ? kNever : at + wait;
}

}  // namespace fairlead
