// Bytes for people: rows of hexadecimal digits, and a wrong reply beside the right one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/stats/tally.hpp"
#include "common/base/bytes.hpp"

namespace fairlead {

inline constexpr std::size_t kHexRowBytes = 16;

// `mark`, then "offset  hex  |ascii|", without a line end. At most kHexRowBytes. ASCII only, so
// safe to print.
std::string hex_row(std::string_view mark, std::uint64_t offset, Bytes row);

// Lines of "offset  hex  |ascii|", 16 bytes each: "  " before equal rows, "- " before expected and
// "+ " before received ones, and a line with ^^ under the first wrong byte. ASCII only, so safe to
// print. Empty when the mismatch holds no bytes.
std::vector<std::string> hex_diff(const Mismatch& mismatch);

}  // namespace fairlead
