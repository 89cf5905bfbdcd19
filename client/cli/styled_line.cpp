#include "client/cli/styled_line.hpp"

#include <algorithm>
#include <array>

#include "client/cli/width.hpp"

namespace fairlead {
namespace {

std::string in_style(const std::string& text, Style style) {
  constexpr std::array<std::string_view, 6> kSequences{"",         "\x1b[2m",  "\x1b[1m",
                                                       "\x1b[32m", "\x1b[33m", "\x1b[31m"};
  const std::string_view sequence = kSequences[static_cast<std::size_t>(style)];
  return sequence.empty() ? text : std::string(sequence) + text + "\x1b[0m";
}

}  // namespace

StyledLine& StyledLine::add(std::string_view utf8, Style style) {
  parts_.push_back({std::string(utf8), columns_of(utf8), style});
  columns_ += parts_.back().columns;
  return *this;
}

StyledLine& StyledLine::tab(std::size_t columns) {
  return add(std::string(columns >= columns_ ? columns - columns_ : 1, ' '));
}

std::string StyledLine::text(std::size_t columns, bool colour) const {
  std::string out;
  for (const Part& part : parts_) {
    if (columns == 0) break;
    const bool fits = part.columns <= columns;
    const std::string shown = fits ? part.text : in_columns(part.text, columns);
    out += colour ? in_style(shown, part.style) : shown;
    if (!fits) return out;
    columns -= part.columns;
  }
  return out.append(columns, ' ');
}

}  // namespace fairlead
