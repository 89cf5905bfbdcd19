// The type of raw bytes.
#pragma once

#include <cstdint>
#include <string_view>

namespace fairlead {

// A read-only view of octets in no particular encoding. As a string_view it has literals,
// comparison and searching. A function that returns one documents how long it is valid.
using Bytes = std::string_view;

constexpr std::uint8_t octet(char c) noexcept { return static_cast<std::uint8_t>(c); }

// ASCII only: tolower() depends on the locale.
constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace fairlead
