#include "client/cli/amounts.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/text/decimals.hpp"

namespace fairlead {
namespace {

std::string two_digits(std::int64_t value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // Rounds first, because 1023.9 KiB would read 1024 KiB.
  for (; value >= 1023.5 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return three_digits(value) + " " + kUnits[unit];
}

std::string rate_text(double bytes_per_second) {
  constexpr double kMax = 1e18;
  return size_text(static_cast<std::uint64_t>(std::min(bytes_per_second, kMax))) + "/s";
}

std::string count_text(double count) {
  constexpr std::array kUnits{"", "k", "M", "G", "T", "P", "E"};
  std::size_t unit = 0;
  for (; count >= 999.5 && unit + 1 < kUnits.size(); ++unit) count /= 1000;
  const bool is_whole = unit == 0 && count == std::floor(count);
  return (is_whole ? with_decimals(count, 0) : three_digits(count)) + kUnits[unit];
}

std::string time_text(Duration time) {
  const std::int64_t seconds = (time.count() + 999) / 1000;
  const std::int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (days > 99) return ">99 d";
  if (days > 0) return std::to_string(days) + " d " + two_digits(hours % 24) + " h";
  if (hours > 0) return std::to_string(hours) + " h " + two_digits(minutes % 60) + " m";
  return std::to_string(minutes) + ":" + two_digits(seconds % 60);
}

std::string utc_text(std::time_t seconds) {
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::string percent_text(std::uint64_t part, std::uint64_t whole) {
  if (part >= whole) return "100%";
  const double share = static_cast<double>(part) / static_cast<double>(whole);
  return std::to_string(std::min(99, static_cast<int>(share * 100))) + "%";
}

}  // namespace fairlead
