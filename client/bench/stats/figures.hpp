// Figures as people read and write them.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead {

// Three digits and a unit: "85 us", "1.24 ms", "12.3 s". 0 or more.
std::string time_figure(double microseconds);

// Three digits, and "%": 0.0247 is "2.47 %", 1.5 is "150 %". 0 or more.
std::string share_figure(double share);

// "1,234,567".
std::string count_figure(std::uint64_t count);

// "1,234,567 /s", "12.3 /s". 0 or more.
std::string rate_figure(double per_second);

// `text` as a number of digits with at most one point: no sign, no exponent, no "inf".
inline std::optional<double> decimal_in(std::string_view text) noexcept {
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
  double number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace fairlead
