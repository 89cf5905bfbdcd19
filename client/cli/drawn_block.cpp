#include "client/cli/drawn_block.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "client/cli/output.hpp"

namespace fairlead {

TerminalSize terminal_size(int descriptor) {
  winsize told{};
  if (::ioctl(descriptor, TIOCGWINSZ, &told) != 0 || told.ws_col == 0 || told.ws_row == 0)
    return {};
  return {.columns = told.ws_col, .rows = told.ws_row};
}

std::size_t columns_at(int descriptor) {
  constexpr std::size_t kColumnsMin = 40;
  const char* const said = std::getenv("COLUMNS");
  const std::string_view text = said == nullptr ? std::string_view() : said;
  std::size_t columns = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), columns);
  const bool is_said = read.ec == std::errc() && read.ptr == text.data() + text.size();
  return std::max(kColumnsMin, is_said ? columns : terminal_size(descriptor).columns);
}

bool can_be_drawn_over(const Output& err) {
  const char* const term = std::getenv("TERM");
  return err.is_terminal() && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

TerminalSize DrawnBlock::room() {
  const TerminalSize size = size_();
  terminal_columns_ = size.columns;
  room_ = {.columns = std::max<std::size_t>(size.columns, 2) - 1,
           .rows = std::max<std::size_t>(size.rows, 2) - 1};
  return room_;
}

void DrawnBlock::draw(const std::vector<std::string>& lines, std::string_view above) {
  constexpr std::string_view kClearBelow = "\x1b[J";
  std::string out = to_the_first_line();
  // Lines above have any width, so the old block is cleared first.
  if (!above.empty()) out.append(kClearBelow).append(above);
  for (std::size_t i = 0; i < lines.size(); ++i) out.append(i == 0 ? "" : "\n").append(lines[i]);
  out += kClearBelow;
  lines_drawn_ = lines.size();
  columns_drawn_ = room_.columns;
  err_.write(in_encoding(out, terminal_));
}

// A terminal that has become narrower has wrapped the wider lines.
std::string DrawnBlock::to_the_first_line() const {
  if (lines_drawn_ == 0) return "\r";
  const std::size_t columns = std::max<std::size_t>(terminal_columns_, 1);
  const std::size_t rows_of_a_line = (columns_drawn_ - 1) / columns + 1;
  const std::size_t up = lines_drawn_ * rows_of_a_line - 1;
  return up == 0 ? "\r" : "\r\x1b[" + std::to_string(up) + "A";
}

}  // namespace fairlead
