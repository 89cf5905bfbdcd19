// The one word for raw bytes.
#pragma once

#include <cstdint>
#include <string_view>

namespace fairlead {

// A read-only view of raw octets. A string_view, so that literals, comparison and searching come
// with it; it says nothing about encoding. Whoever hands one out says how long it lives.
using Bytes = std::string_view;

constexpr std::uint8_t octet(char c) noexcept { return static_cast<std::uint8_t>(c); }

}  // namespace fairlead
