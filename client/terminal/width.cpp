#include "client/terminal/width.hpp"

#include <wchar.h>

namespace fairlead {
namespace {

constexpr std::size_t kTabColumns = 8;

std::size_t width_of(wchar_t c, std::size_t column) {
  if (c == L'\t') return kTabColumns - column % kTabColumns;
  if (c < 0x20 || c == 0x7f) return 2;  // ^X
  const int width = ::wcwidth(c);
  if (width >= 0) return static_cast<std::size_t>(width);
  return c > 0xffff ? 8 : 7;  // \U+XXXX
}

}  // namespace

std::size_t rows_below(std::wstring_view text, std::size_t columns) {
  std::size_t row = 0, column = 0;
  for (const wchar_t c : text) {
    const std::size_t width = width_of(c, column);
    if (column + width > columns) {
      ++row;
      column = 0;
    }
    column += width;
    if (column < columns) continue;
    ++row;
    column = 0;
  }
  return row;
}

}  // namespace fairlead
