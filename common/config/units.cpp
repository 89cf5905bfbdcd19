#include "common/config/units.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

#include "common/base/bytes.hpp"
#include "common/config/parsed.hpp"

namespace fairlead {
namespace {

struct Unit {
  std::string_view name;  // lower case; the empty one stands for a bare number
  std::uint64_t factor;
  std::string_view written = {};  // by formatting; empty: not used there
};

// The largest unit first, so that formatting finds the shortest form.
// clang-format off
constexpr Unit kDurationUnits[] = {
    {"d", 86'400'000, "d"}, {"h", 3'600'000, "h"}, {"m", 60'000, "m"}, {"s", 1'000, "s"}, {"ms", 1, "ms"}, {"", 1'000}};
constexpr Unit kFineDurationUnits[] = {
    {"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}};
constexpr Unit kSizeUnits[] = {
    {"gib", 1ULL << 30, "GiB"}, {"mib", 1ULL << 20, "MiB"}, {"kib", 1ULL << 10, "KiB"},
    {"g", 1ULL << 30}, {"m", 1ULL << 20}, {"k", 1ULL << 10}, {"b", 1}, {"", 1}};
constexpr Unit kCountUnits[] = {{"m", 1'000'000, "m"}, {"k", 1'000, "k"}, {"", 1}};
// clang-format on

// No unit needs more decimals than this, and 10^9 * 2^30 fits into 64 bits.
constexpr std::size_t kDecimalsMax = 9;

std::string in_lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

// Removes the digits at the front of `text`; false when their value does not fit.
bool take_digits(std::string_view& text, std::uint64_t& value, std::size_t& digits) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  digits = static_cast<std::size_t>(end - text.data());
  text.remove_prefix(digits);
  return error != std::errc::result_out_of_range;
}

struct Wording {
  std::string_view malformed;  // how to write such a value
  std::string_view not_whole;
};

// "1.5", "1.5s", "64 KiB" times the factor of its unit, exactly or not at all. `folded` is the text
// in the case of the units.
Result<std::uint64_t> parse_scaled(std::string_view text, std::string_view folded,
                                   std::span<const Unit> units, const Wording& wording) {
  const auto error = [text](const char* is, std::string_view what) {
    return make_error(shown(text) + is + std::string(what));
  };
  std::uint64_t whole = 0, fraction = 0;
  std::size_t digits = 0, decimals = 0;
  if (!take_digits(folded, whole, digits)) return error(" is ", "too large");
  if (digits == 0) return error(" is not ", wording.malformed);
  if (folded.starts_with('.')) {
    folded.remove_prefix(1);
    if (!take_digits(folded, fraction, decimals) || decimals == 0 || decimals > kDecimalsMax)
      return error(" is not ", wording.malformed);
  }
  while (folded.starts_with(' ')) folded.remove_prefix(1);
  const auto unit = std::ranges::find(units, folded, &Unit::name);
  if (unit == units.end()) return error(" is not ", wording.malformed);

  std::uint64_t ten_power = 1;
  for (std::size_t i = 0; i < decimals; ++i) ten_power *= 10;
  if (fraction * unit->factor % ten_power != 0)
    return error(" is not a whole number of ", wording.not_whole);
  const std::uint64_t part = fraction * unit->factor / ten_power;
  if (whole > (std::numeric_limits<std::uint64_t>::max() - part) / unit->factor)
    return error(" is ", "too large");
  return whole * unit->factor + part;
}

template <class Time>
Result<Time> parse_time(std::string_view text, std::span<const Unit> units,
                        const Wording& wording) {
  // Case matters: 5M could be read as minutes or as months.
  const auto parsed = parse_scaled(text, text, units, wording);
  if (!parsed) return tl::unexpected(parsed.error());
  if (*parsed > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return make_error(shown(text) + " is too large");
  return Time(static_cast<std::int64_t>(*parsed));
}

std::string format_scaled(std::uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units)
    if (value != 0 && value % unit.factor == 0 && !unit.written.empty())
      return std::to_string(value / unit.factor) + std::string(unit.written);
  return std::to_string(value);
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const Wording wording{"a duration: write a number and ms, s, m, h or d, such as 30s",
                        "milliseconds"};
  return parse_time<Duration>(text, kDurationUnits, wording);
}

Result<std::chrono::nanoseconds> parse_fine_duration(std::string_view text) {
  const Wording wording{"a time: write a number and us, ms, s, m or h, such as 20ms",
                        "nanoseconds"};
  return parse_time<std::chrono::nanoseconds>(text, kFineDurationUnits, wording);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const Wording wording{"a size: write a number and k, m or g, such as 64k or 1MiB", "bytes"};
  return parse_scaled(text, in_lower_case(text), kSizeUnits, wording);
}

Result<std::uint64_t> parse_count(std::string_view text) {
  const Wording wording{
      "a number: write digits, and k or m for thousands and millions, such as 10k", "units"};
  return parse_scaled(text, in_lower_case(text), kCountUnits, wording);
}

Result<bool> parse_flag(std::string_view text) {
  const std::string word = in_lower_case(text);
  if (word == "yes" || word == "true" || word == "on") return true;
  if (word == "no" || word == "false" || word == "off") return false;
  return make_error(shown(text) + " is neither yes nor no");
}

Result<std::uint64_t> parse_mode(std::string_view text) {
  std::uint64_t bits = 0;
  const char* const text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, bits, 8);
  if (error != std::errc() || end != text_end || text.size() > 4 || bits > 0777)
    return make_error(shown(text) +
                      " is not a file mode: write octal digits up to 0777, such as 0660");
  return bits;
}

std::string format_duration(Duration value) {
  return format_scaled(static_cast<std::uint64_t>(value.count()), kDurationUnits);
}

std::string format_size(std::uint64_t bytes) { return format_scaled(bytes, kSizeUnits); }

std::string format_count(std::uint64_t value) { return format_scaled(value, kCountUnits); }

}  // namespace fairlead
