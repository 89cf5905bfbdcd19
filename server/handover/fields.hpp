// Fields of a hand-over: tag, length, value, so that either side may be older than the other.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "common/base/bytes.hpp"

namespace fairlead {

// clang-format off
// A field, with numbers in big-endian order:
//
//   offset  size  part
//   0       2     tag: the top bit says that who does not know it must not use the record
//   2       4     length of the value
//   6       ...   value
// clang-format on
inline constexpr std::uint16_t kCriticalField = 0x8000;
inline constexpr std::size_t kFieldHeaderBytes = 6;

template <std::unsigned_integral Number>
void append_number(std::string& out, Number value) {
  for (std::size_t left = sizeof value; left > 0; --left)
    out += static_cast<char>(std::uint64_t{value} >> 8 * (left - 1));
}

// Takes a number from the front of `left`. False: there are too few bytes.
template <std::unsigned_integral Number>
bool take_number(Bytes& left, Number& value) {
  if (left.size() < sizeof value) return false;
  std::uint64_t bits = 0;
  for (const char byte : left.substr(0, sizeof value)) bits = bits << 8 | octet(byte);
  value = static_cast<Number>(bits);
  left.remove_prefix(sizeof value);
  return true;
}

void append_field(std::string& out, std::uint16_t tag, Bytes value);

// Takes the fields of a record, one after the other.
class FieldReader {
 public:
  explicit FieldReader(Bytes fields) : left_(fields) {}

  struct Field {
    std::uint16_t tag;
    Bytes value;  // a part of the record
  };
  // Nothing: there is no further one, or the rest is none, which is_whole() tells apart.
  std::optional<Field> next();
  bool is_whole() const noexcept { return left_.empty(); }

 private:
  Bytes left_;
};

inline bool is_critical(std::uint16_t tag) noexcept { return (tag & kCriticalField) != 0; }

// What a reader makes of a field.
enum class Taken : std::uint8_t { yes, wrong, unknown };
constexpr Taken taken(bool is_right) { return is_right ? Taken::yes : Taken::wrong; }

// Reads a record by `take(tag, value) -> Taken`. The numbers of known tags are below 32. False: a
// field is wrong, comes twice (but one tag may be `repeated`), is needed and missing, or is
// critical and unknown.
template <class Take>
bool read_fields(Bytes record, std::initializer_list<std::uint16_t> needed, std::uint16_t repeated,
                 Take&& take) {
  std::uint32_t seen = 0;
  FieldReader fields(record);
  while (const auto field = fields.next()) {
    const Taken result = take(field->tag, field->value);
    if (result == Taken::wrong) return false;
    if (result == Taken::unknown && is_critical(field->tag)) return false;
    if (result == Taken::unknown) continue;
    const std::uint32_t bit = std::uint32_t{1} << (field->tag & 31);
    if ((seen & bit) != 0 && field->tag != repeated) return false;
    seen |= bit;
  }
  return fields.is_whole() && std::ranges::all_of(needed, [seen](std::uint16_t tag) {
           return (seen >> (tag & 31) & 1) != 0;
         });
}

}  // namespace fairlead
