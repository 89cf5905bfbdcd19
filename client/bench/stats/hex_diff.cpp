#include "client/bench/stats/hex_diff.hpp"

#include <algorithm>

#include "client/bench/stats/hex_rows.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kFirstDigit = 2 + kHexRowOffsetColumns;  // the mark is two columns

Bytes row_at(Bytes bytes, std::size_t place) {
  return place < bytes.size() ? bytes.substr(place, kHexRowBytes) : Bytes();
}

}  // namespace

std::vector<std::string> hex_diff(const Mismatch& mismatch) {
  std::vector<std::string> lines;
  const std::size_t size = std::max(mismatch.expected.size(), mismatch.got.size());
  for (std::size_t place = 0; place < size; place += kHexRowBytes) {
    const std::uint64_t offset = mismatch.shown_from + place;
    const Bytes expected = row_at(mismatch.expected, place);
    const Bytes got = row_at(mismatch.got, place);
    if (expected == got) {
      lines.push_back(hex_row("  ", offset, got));
      continue;
    }
    if (!expected.empty()) lines.push_back(hex_row("- ", offset, expected));
    if (!got.empty()) lines.push_back(hex_row("+ ", offset, got));
    const bool is_first = mismatch.offset >= offset && mismatch.offset < offset + kHexRowBytes;
    if (is_first && !mismatch.expected.empty())
      lines.push_back(std::string(kFirstDigit + 3 * (mismatch.offset - offset), ' ') + "^^");
  }
  return lines;
}

}  // namespace fairlead
