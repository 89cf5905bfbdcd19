// Keeps what happens over and over from filling the disk: a kind of line is written so often within
// a window of time, and counted from then on.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/log_sink.hpp"

namespace fairlead {

// Sans-IO: time is a parameter. Any thread may ask. For every kind, exactly: admitted + reported as
// suppressed == asked for, once take_all() has been called.
class RepeatLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kWindow{10};

  // Lines of one event and, where there is one, of one reason.
  struct Suppressed {
    Level level;
    std::string event, reason;
    std::uint64_t lines;
  };

  explicit RepeatLimit(std::uint64_t lines_per_window) noexcept : most_(lines_per_window) {}

  // Whether this one is to be written.
  bool admits(Level level, std::string_view event, std::string_view reason, Time now);

  // What has been suppressed in windows that are over, each told once.
  std::vector<Suppressed> take_due(Time now);
  std::vector<Suppressed> take_all() { return take_due(Time::max()); }

  // When take_due() may have something to tell; nothing while no window is full.
  std::optional<Time> next_due() const;

 private:
  struct Kind {
    Suppressed suppressed;    // not yet told
    std::uint64_t lines = 0;  // in this window
    Time until{};
  };

  const std::uint64_t most_;
  mutable std::mutex mutex_;
  std::vector<Kind> kinds_;  // a handful: events and reasons are words of this program
};

}  // namespace fairlead
