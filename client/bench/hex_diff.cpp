#include "client/bench/hex_diff.hpp"

#include <algorithm>
#include <array>

#include "common/base/hex.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kRow = 16;
constexpr std::size_t kOffsetDigits = 8;
constexpr std::size_t kHexFrom = 2 + kOffsetDigits + 2;  // the mark, the offset, a gap

std::string hex_number(std::uint64_t number) {
  std::string digits;
  for (; number > 0 || digits.size() < kOffsetDigits; number >>= 4)
    digits.insert(digits.begin(), "0123456789abcdef"[number & 15]);
  return digits;
}

std::string line(std::string_view mark, std::uint64_t offset, Bytes row) {
  std::string hex, ascii;
  for (const char c : row) {
    hex += hex_of({&c, 1}) + ' ';
    ascii += c >= ' ' && c <= '~' ? c : '.';
  }
  hex.resize(3 * kRow, ' ');
  return std::string(mark) + hex_number(offset) + "  " + hex + " |" + ascii + '|';
}

Bytes row_at(Bytes bytes, std::size_t place) {
  return place < bytes.size() ? bytes.substr(place, kRow) : Bytes();
}

}  // namespace

std::vector<std::string> hex_diff(const Mismatch& mismatch) {
  std::vector<std::string> lines;
  const std::size_t size = std::max(mismatch.expected.size(), mismatch.got.size());
  for (std::size_t place = 0; place < size; place += kRow) {
    const std::uint64_t offset = mismatch.shown_from + place;
    const Bytes expected = row_at(mismatch.expected, place);
    const Bytes got = row_at(mismatch.got, place);
    if (expected == got) {
      lines.push_back(line("  ", offset, got));
      continue;
    }
    if (!expected.empty()) lines.push_back(line("- ", offset, expected));
    if (!got.empty()) lines.push_back(line("+ ", offset, got));
    const bool is_first = mismatch.offset >= offset && mismatch.offset < offset + kRow;
    if (is_first && !mismatch.expected.empty())
      lines.push_back(std::string(kHexFrom + 3 * (mismatch.offset - offset), ' ') + "^^");
  }
  return lines;
}

}  // namespace fairlead
