#include "common/config/units.hpp"

#include <array>
#include <limits>
#include <span>

namespace fairlead {
namespace {

struct Unit {
  std::string_view name;  // lower case; the empty one stands for a bare number
  std::uint64_t factor;
};

// The largest unit first, so that formatting finds the shortest form. Names that only parsing knows
// come last.
constexpr std::array kDurationUnits{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                                    Unit{"s", 1'000},      Unit{"ms", 1},        Unit{"", 1'000}};
constexpr std::array kFineDurationUnits{Unit{"s", 1'000'000'000}, Unit{"ms", 1'000'000},
                                        Unit{"us", 1'000}, Unit{"ns", 1}};
constexpr std::array kSizeUnits{Unit{"gib", 1ULL << 30},
                                Unit{"mib", 1ULL << 20},
                                Unit{"kib", 1ULL << 10},
                                Unit{"g", 1ULL << 30},
                                Unit{"m", 1ULL << 20},
                                Unit{"k", 1ULL << 10},
                                Unit{"b", 1},
                                Unit{"", 1}};
constexpr std::array kCountUnits{Unit{"m", 1'000'000}, Unit{"k", 1'000}, Unit{"", 1}};

// No unit needs more decimals than this, and 10^9 * 2^30 fits into 64 bits.
constexpr std::size_t kDecimalsMax = 9;

enum class Scaling { done, malformed, not_whole, too_large };

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

// Removes the digits at the front of `text`; false when their value does not fit.
bool take_digits(std::string_view& text, std::uint64_t& value, std::size_t& digits) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  for (value = 0, digits = 0; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    const auto digit = static_cast<std::uint64_t>(text.front() - '0');
    if (value > (kMax - digit) / 10) return false;
    value = value * 10 + digit;
    ++digits;
  }
  return true;
}

// "1.5", "1.5s", "64 KiB" times the factor of its unit, exactly or not at all.
Scaling scale(std::string_view text, std::span<const Unit> units, std::uint64_t& result) {
  std::uint64_t whole = 0, fraction = 0;
  std::size_t digits = 0, decimals = 0;
  if (!take_digits(text, whole, digits)) return Scaling::too_large;
  if (digits == 0) return Scaling::malformed;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_digits(text, fraction, decimals) || decimals == 0 || decimals > kDecimalsMax)
      return Scaling::malformed;
  }
  while (text.starts_with(' ')) text.remove_prefix(1);

  for (const Unit& unit : units) {
    if (unit.name != text) continue;
    std::uint64_t ten_power = 1;
    for (std::size_t i = 0; i < decimals; ++i) ten_power *= 10;
    if (fraction * unit.factor % ten_power != 0) return Scaling::not_whole;
    const std::uint64_t part = fraction * unit.factor / ten_power;
    if (whole > (std::numeric_limits<std::uint64_t>::max() - part) / unit.factor)
      return Scaling::too_large;
    result = whole * unit.factor + part;
    return Scaling::done;
  }
  return Scaling::malformed;
}

struct Wording {
  std::string_view malformed;  // how to write such a value
  std::string_view not_whole;
};

Parsed<std::uint64_t> parse_scaled(std::string_view text, const std::string& folded,
                                   std::span<const Unit> units, const Wording& wording) {
  std::uint64_t value = 0;
  switch (scale(folded, units, value)) {
    case Scaling::done:
      return {value, {}};
    case Scaling::not_whole:
      return {{}, shown(text) + " is not a whole number of " + std::string(wording.not_whole)};
    case Scaling::too_large:
      return {{}, shown(text) + " is too large"};
    case Scaling::malformed:
      break;
  }
  return {{}, shown(text) + " is not " + std::string(wording.malformed)};
}

template <class Time>
Parsed<Time> parse_time(std::string_view text, std::span<const Unit> units,
                        const Wording& wording) {
  // Case matters: 5M could be read as minutes or as months.
  const auto parsed = parse_scaled(text, std::string(text), units, wording);
  if (!parsed.value) return {{}, parsed.error};
  if (*parsed.value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return {{}, shown(text) + " is too large"};
  return {Time(static_cast<std::int64_t>(*parsed.value)), {}};
}

std::string format_scaled(std::uint64_t value, std::span<const Unit> units,
                          std::span<const std::string_view> names) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (value != 0 && value % units[i].factor == 0)
      return std::to_string(value / units[i].factor) + std::string(names[i]);
  return std::to_string(value);
}

}  // namespace

Parsed<Duration> parse_duration(std::string_view text) {
  const Wording wording{"a duration: write a number and ms, s, m, h or d, such as 30s",
                        "milliseconds"};
  return parse_time<Duration>(text, kDurationUnits, wording);
}

Parsed<std::chrono::nanoseconds> parse_fine_duration(std::string_view text) {
  const Wording wording{"a time: write a number and us, ms or s, such as 20ms", "nanoseconds"};
  return parse_time<std::chrono::nanoseconds>(text, kFineDurationUnits, wording);
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  const Wording wording{"a size: write a number and k, m or g, such as 64k or 1MiB", "bytes"};
  return parse_scaled(text, lower(text), kSizeUnits, wording);
}

Parsed<std::uint64_t> parse_count(std::string_view text) {
  const Wording wording{
      "a number: write digits, and k or m for thousands and millions, such as 10k", "units"};
  return parse_scaled(text, lower(text), kCountUnits, wording);
}

Parsed<bool> parse_flag(std::string_view text) {
  const std::string word = lower(text);
  if (word == "yes" || word == "true" || word == "on") return {true, {}};
  if (word == "no" || word == "false" || word == "off") return {false, {}};
  return {{}, shown(text) + " is neither yes nor no"};
}

Parsed<std::uint64_t> parse_mode(std::string_view text) {
  std::uint64_t bits = 0;
  bool octal = !text.empty() && text.size() <= 4;
  for (const char c : text) {
    octal = octal && c >= '0' && c <= '7';
    bits = bits * 8 + static_cast<std::uint64_t>(c - '0');
  }
  if (!octal || bits > 0777)
    return {{}, shown(text) + " is not a file mode: write octal digits up to 0777, such as 0660"};
  return {bits, {}};
}

std::string format_duration(Duration value) {
  constexpr std::array<std::string_view, 5> kNames{"d", "h", "m", "s", "ms"};
  return format_scaled(static_cast<std::uint64_t>(value.count()), kDurationUnits, kNames);
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 3> kNames{"GiB", "MiB", "KiB"};
  return format_scaled(bytes, kSizeUnits, kNames);
}

std::string format_count(std::uint64_t value) {
  constexpr std::array<std::string_view, 2> kNames{"m", "k"};
  return format_scaled(value, kCountUnits, kNames);
}

std::string format_mode(std::uint64_t bits) {
  std::string digits;
  for (; bits != 0; bits /= 8) digits.insert(digits.begin(), static_cast<char>('0' + bits % 8));
  return "0" + digits;
}

}  // namespace fairlead
