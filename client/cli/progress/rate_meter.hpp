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
  // What is noted nearer to the last look is left out, however often it is called.
  static constexpr Duration kApart{250};

  // So many have come in all. Time does not go back; where the number does, it begins anew.
  void note(std::uint64_t bytes, TimePoint now);

  // Bytes a second between the looks in the window; 0 as long as there is but one.
  double rate() const;

 private:
  struct Look {
    TimePoint at;
    std::uint64_t bytes;
  };

  std::deque<Look> looks_;  // the first may be older than the window, not the second
};

}  // namespace fairlead
