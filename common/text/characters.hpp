// Finds the first character of some bytes, in UTF-8 and in GB18030. All code that validates, cuts,
// converts or shows text uses these steps, so that it agrees on the ends of characters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/base/bytes.hpp"

namespace fairlead {

struct Step {
  enum class Kind : std::uint8_t {
    whole,       // a character of `size` bytes
    unfinished,  // the beginning of a character: all `size` bytes that are there
    broken       // `size` bytes that begin no character
  };
  Kind kind;
  std::uint8_t size;  // 1..4
};

// The number of bytes below 0x80 at the front.
inline std::size_t ascii_length(Bytes bytes) noexcept {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t length = 0;
  while (bytes.size() - length >= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + length, sizeof word);
    if ((word & kHighBits) != 0) break;
    length += sizeof word;
  }
  while (length < bytes.size() && octet(bytes[length]) < 0x80) ++length;
  return length;
}

// RFC 3629. A broken part is the longest beginning of a character that the next byte does not
// continue, as the Unicode Standard recommends for U+FFFD. `bytes` must not be empty.
inline Step utf8_step(Bytes bytes) noexcept {
  const std::uint8_t lead = octet(bytes[0]);
  if (lead < 0x80) return {Step::Kind::whole, 1};
  if (lead < 0xC2 || lead > 0xF4) return {Step::Kind::broken, 1};

  const std::uint8_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The range of the second byte excludes overlong forms, surrogates and values above U+10FFFF.
  std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (std::uint8_t i = 1; i < length; ++i) {
    if (i == bytes.size()) return {Step::Kind::unfinished, i};
    if (octet(bytes[i]) < low || octet(bytes[i]) > high) return {Step::Kind::broken, i};
    low = 0x80;
    high = 0xBF;
  }
  return {Step::Kind::whole, length};
}

// The code point of a whole character of UTF-8.
inline char32_t code_point(Bytes character) noexcept {
  constexpr std::array<std::uint8_t, 5> kLeadBits = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t code = octet(character[0]) & kLeadBits[character.size()];
  for (const char c : character.substr(1)) code = code << 6 | (octet(c) & 0x3F);
  return code;
}

// Checks the structure only: 00-7F | 81-FE (40-7E | 80-FE) | 81-FE 30-39 81-FE 30-39. A broken part
// is the lead byte alone, since the next byte may be ASCII or a lead byte. `bytes` must not be
// empty.
inline Step gb18030_step(Bytes bytes) noexcept {
  const auto is_lead = [](std::uint8_t byte) { return byte >= 0x81 && byte <= 0xFE; };
  const auto is_digit = [](std::uint8_t byte) { return byte >= 0x30 && byte <= 0x39; };

  if (octet(bytes[0]) < 0x80) return {Step::Kind::whole, 1};
  if (!is_lead(octet(bytes[0]))) return {Step::Kind::broken, 1};
  if (bytes.size() == 1) return {Step::Kind::unfinished, 1};

  const std::uint8_t second = octet(bytes[1]);
  if (second >= 0x40 && second <= 0xFE && second != 0x7F) return {Step::Kind::whole, 2};
  if (!is_digit(second)) return {Step::Kind::broken, 1};
  if (bytes.size() == 2) return {Step::Kind::unfinished, 2};
  if (!is_lead(octet(bytes[2]))) return {Step::Kind::broken, 1};
  if (bytes.size() == 3) return {Step::Kind::unfinished, 3};
  if (!is_digit(octet(bytes[3]))) return {Step::Kind::broken, 1};
  return {Step::Kind::whole, 4};
}

}  // namespace fairlead
