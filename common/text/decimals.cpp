#include "common/text/decimals.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace fairlead {

std::string with_decimals(double value, int decimals) {
  // All digits of the largest double, a sign, the point and what is behind it.
  std::array<char, std::numeric_limits<double>::max_exponent10 + 1 + 2 + 20> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::fixed, decimals);
  return {text.data(), end.ptr};
}

std::string three_digits(double value) {
  // What rounds to 100 is looked at as 100: 99.96 would read 100.0.
  return with_decimals(value, value == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}

}  // namespace fairlead
