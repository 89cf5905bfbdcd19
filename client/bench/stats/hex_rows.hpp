// Bytes as people look at them: where they are, their hexadecimal digits, and what of them is
// ASCII.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/bytes.hpp"

namespace fairlead {

inline constexpr std::size_t kHexRowBytes = 16;
// Columns of a row before its first digit, without the mark.
inline constexpr std::size_t kHexRowOffsetColumns = 8 + 2;

// `mark`, then "offset  hex  |ascii|", without a line end. At most kHexRowBytes. ASCII only, so
// safe to print.
std::string hex_row(std::string_view mark, std::uint64_t offset, Bytes row);

}  // namespace fairlead
