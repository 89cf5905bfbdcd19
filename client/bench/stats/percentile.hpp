// How many values it takes until a percentile says anything.
#pragma once

#include <cmath>
#include <cstdint>

namespace fairlead {

// Ten values must lie beyond the percentile: 1,000 for a share of 0.99. With fewer, one more or one
// less among the slowest moves it to another order of magnitude.
inline std::uint64_t samples_needed(double share) noexcept {
  return static_cast<std::uint64_t>(std::llround(10.0 / (1.0 - share)));
}

}  // namespace fairlead
