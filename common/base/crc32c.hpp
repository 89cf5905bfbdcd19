// CRC-32C (Castagnoli), which finds accidents, not intent.
#pragma once

#include <array>
#include <cstdint>

#include "common/base/bytes.hpp"

namespace fairlead {
namespace detail {

constexpr std::array<std::uint32_t, 256> make_crc32c_table() noexcept {
  constexpr std::uint32_t kPolynomial = 0x82F63B78;  // its bits in reverse
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? kPolynomial : 0);
    table[i] = value;
  }
  return table;
}

inline constexpr std::array<std::uint32_t, 256> kCrc32cTable = make_crc32c_table();

}  // namespace detail

// `before` is the sum of what came before, so that a text can be summed up in pieces.
constexpr std::uint32_t crc32c(Bytes bytes, std::uint32_t before = 0) noexcept {
  std::uint32_t sum = ~before;
  for (const char byte : bytes) sum = sum >> 8 ^ detail::kCrc32cTable[(sum ^ octet(byte)) & 0xFF];
  return ~sum;
}

}  // namespace fairlead
