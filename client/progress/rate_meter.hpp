// How fast something grows: a moving average.
#pragma once

#include <cstdint>
#include <deque>

#include "common/base/time.hpp"

namespace fairlead {

class RateMeter {
 public:
  // Long enough to be read, short enough to show a change soon.
  static constexpr Duration kWindow{5000};
  // Looks are not kept closer than this; fewer are needed for any rate at all.
  static constexpr Duration kApart{250};

  // So many have come in all. Time does not go back; where the number does, it begins anew.
  void note(std::uint64_t bytes, TimePoint now);

  // Bytes a second over the window, or over what there is of it; 0 as long as that is too short.
  double rate() const;

 private:
  struct Look {
    TimePoint at;
    std::uint64_t bytes;
  };

  std::deque<Look> looks_;  // the last one is the latest, however near to the one before
};

}  // namespace fairlead
