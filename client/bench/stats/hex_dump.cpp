#include "client/bench/stats/hex_dump.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>

#include "common/base/hex.hpp"

namespace fairlead {

std::string hex_row(std::string_view mark, std::uint64_t offset, Bytes row) {
  std::string hex, ascii;
  for (const char c : row) {
    hex += hex_of({&c, 1}) + ' ';
    ascii += c >= ' ' && c <= '~' ? c : '.';
  }
  hex.resize(3 * kHexRowBytes, ' ');
  std::array<char, 32> place{};
  std::snprintf(place.data(), place.size(), "%08" PRIx64 "  ", offset);
  return std::string(mark) + place.data() + hex + " |" + ascii + '|';
}

namespace {

constexpr std::size_t kFirstDigit = 2 + 8 + 2;  // behind the mark, the offset and a gap

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
