#include "client/cli/columns.hpp"

#include <wchar.h>

#include <algorithm>
#include <array>

#include "common/text/characters.hpp"

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

// The first character of a text, as it is shown.
struct Shown {
  std::string_view text;
  std::size_t bytes;  // its bytes in the text
  std::size_t columns;
};

Shown first_shown(std::string_view utf8) {
  const Step step = utf8_step(utf8);
  const std::string_view character = utf8.substr(0, step.size);
  const bool whole = step.kind == Step::Kind::whole;
  const int told = whole ? ::wcwidth(static_cast<wchar_t>(code_point(character))) : -1;
  if (told < 0) return {"?", step.size, 1};
  return {character, step.size, static_cast<std::size_t>(told)};
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

std::string in_columns(std::string_view utf8, std::size_t columns) {
  if (columns == 0) return {};
  std::string out;
  std::size_t column = 0;
  std::size_t cut_bytes = 0, cut_column = 0;  // where `~` would fit
  while (!utf8.empty()) {
    const Shown shown = first_shown(utf8);
    utf8.remove_prefix(shown.bytes);
    if (column < columns) {
      cut_bytes = out.size();
      cut_column = column;
    }
    if (column + shown.columns > columns) {
      out.resize(cut_bytes);
      out += '~';
      column = cut_column + 1;
      break;
    }
    out += shown.text;
    column += shown.columns;
  }
  return out.append(columns - column, ' ');
}

std::size_t columns_of(std::string_view utf8) {
  std::size_t columns = 0;
  while (!utf8.empty()) {
    const Shown shown = first_shown(utf8);
    utf8.remove_prefix(shown.bytes);
    columns += shown.columns;
  }
  return columns;
}

std::string wrapped(std::string_view first, std::string_view text, std::size_t columns) {
  const std::size_t indent = columns_of(first);
  std::string out(first);
  std::size_t column = indent;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    const std::size_t width = columns_of(word);
    const bool begins_line = column == indent;
    if (!begins_line && column + 1 + width > columns) {
      out.append("\n").append(indent, ' ');
      column = indent;
    } else if (!begins_line) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width;
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return out + '\n';
}

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
