// Keeps repeated lines from filling the disk: a kind of line is written a number of times within a
// window of time, and only counted from then on.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/log_sink.hpp"

namespace fairlead {

// Sans-IO: time is a parameter. Thread-safe. For every kind, calls of admits() == admitted lines +
// lines returned by take_due(), once that was called with Time::max().
class RepeatLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kWindow{10};

  // Suppressed lines of one event and one reason, which may be empty.
  struct Suppressed {
    Level level;
    std::string event, reason;
    std::uint64_t lines;
  };

  // 0: no limit.
  explicit RepeatLimit(std::uint64_t lines_max) noexcept : lines_max_(lines_max) {}

  // True: write the line. False: it has been counted.
  bool admits(Level level, std::string_view event, std::string_view reason, Time now);

  // Returns, once each, the lines that were suppressed in windows that have ended.
  std::vector<Suppressed> take_due(Time now);

  // When take_due() may return something; Time::max() while no window is full.
  Time next_due() const;

 private:
  struct Kind {
    Suppressed suppressed;    // not yet returned
    std::uint64_t lines = 0;  // admitted in this window
    Time until{};
  };

  const std::uint64_t lines_max_;  // of one kind in a window
  mutable std::mutex mutex_;
  std::vector<Kind> kinds_;  // few: events and reasons are words of this program
};

}  // namespace fairlead
