// The rate of a download, and what follows from it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "common/base/time.hpp"

namespace fairlead {

class RateMeter {
 public:
  // A moving average: long enough to be readable, short enough to follow a change.
  static constexpr Duration kWindow{5000};
  // Samples closer to the last one are dropped.
  static constexpr Duration kApart{250};

  // The bytes so far. `now` never decreases; if `bytes` does, the measurement starts again.
  void note(std::uint64_t bytes, TimePoint now);

  // Bytes a second over the samples of the window; 0 with only one sample.
  double rate() const;

 private:
  struct Look {
    TimePoint at;
    std::uint64_t bytes;
  };

  std::deque<Look> looks_;  // the first may be older than the window, not the second
};

// Time until `size` bytes are here, at that rate; empty: not known.
std::optional<Duration> time_left(std::uint64_t here, std::uint64_t size, double rate);

}  // namespace fairlead
