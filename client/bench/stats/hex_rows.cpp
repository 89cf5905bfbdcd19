#include "client/bench/stats/hex_rows.hpp"

#include "common/base/hex.hpp"

namespace fairlead {
namespace {

std::string hex_number(std::uint64_t number) {
  constexpr std::size_t kDigitsLeast = 8;
  std::string digits;
  for (; number > 0 || digits.size() < kDigitsLeast; number >>= 4)
    digits.insert(digits.begin(), "0123456789abcdef"[number & 15]);
  return digits;
}

}  // namespace

std::string hex_row(std::string_view mark, std::uint64_t offset, Bytes row) {
  std::string hex, ascii;
  for (const char c : row) {
    hex += hex_of({&c, 1}) + ' ';
    ascii += c >= ' ' && c <= '~' ? c : '.';
  }
  hex.resize(3 * kHexRowBytes, ' ');
  return std::string(mark) + hex_number(offset) + "  " + hex + " |" + ascii + '|';
}

}  // namespace fairlead
