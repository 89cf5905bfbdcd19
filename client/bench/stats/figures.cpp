#include "client/bench/stats/figures.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace fairlead {
namespace {

// Three digits: 1.24, 12.4, 124.
std::string three_digits(double value) {
  const int decimals = value == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  std::array<char, 32> text;
  const int length = std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

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
