// A number as people write it, with a point or without.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace fairlead {

// All of `text` as digits with at most one point; nothing else is a number: no sign, no exponent,
// no "inf".
inline std::optional<double> decimal_in(std::string_view text) noexcept {
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
  double number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace fairlead
