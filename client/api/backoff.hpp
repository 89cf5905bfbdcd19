// How long to wait before connecting again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "common/base/time.hpp"

namespace fairlead {

// Each wait is drawn evenly from the upper half of a span that doubles from `first` to `longest`:
// clients that lost the same server do not come back in step, and none comes back at once.
class Backoff {
 public:
  // The span that waits are drawn from.
  struct Settings {
    Duration first{200};       // > 0; of the first wait
    Duration longest{30'000};  // of every wait in the end
  };

  // Equal seeds give equal waits.
  Backoff(const Settings& settings, std::uint64_t seed)
      : settings_(settings), random_(seed), span_(settings.first) {}

  // The next wait.
  Duration next() {
    const auto span = span_.count();
    span_ = std::min(span_ * 2, settings_.longest);
    std::uniform_int_distribution<Duration::rep> within(span - span / 2, span);
    return Duration(within(random_));
  }
  // Begins anew: the connection has proved good.
  void reset() { span_ = settings_.first; }

 private:
  Settings settings_;
  std::mt19937_64 random_;
  Duration span_;
};

}  // namespace fairlead
