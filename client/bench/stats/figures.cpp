#include "client/bench/stats/figures.hpp"

#include <cmath>

#include "common/text/decimals.hpp"

namespace fairlead {

std::string time_figure(double microseconds) {
  if (microseconds < 999.5) {
    // The histograms hold whole microseconds.
    if (microseconds == std::floor(microseconds))
      return std::to_string(static_cast<int>(microseconds)) + " us";
    return three_digits(microseconds) + " us";
  }
  if (microseconds < 999'500) return three_digits(microseconds / 1e3) + " ms";
  return three_digits(microseconds / 1e6) + " s";
}

std::string share_figure(double share) { return three_digits(share * 100) + " %"; }

std::string count_figure(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t place = digits.size(); place > 3; place -= 3) digits.insert(place - 3, 1, ',');
  return digits;
}

std::string rate_figure(double per_second) {
  const bool is_small = per_second < 99.95;
  return (is_small ? three_digits(per_second)
                   : count_figure(static_cast<std::uint64_t>(std::llround(per_second)))) +
         " /s";
}

}  // namespace fairlead
