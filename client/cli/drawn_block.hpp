// Lines at the end of what a terminal shows, which are drawn over again and again.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/output.hpp"
#include "client/cli/terminal_size.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// Whether a cursor can be moved there: a terminal, and TERM is neither empty nor "dumb".
bool can_be_drawn_over(const Output& err);

// Each drawing is one write: from the block's first line, over every line, and what is left below
// is cleared, so nothing flickers. Used on one thread; the output outlives it.
//
// Invariant: no line is as wide as the terminal, so none wraps by itself.
class DrawnBlock {
 public:
  DrawnBlock(Output& err, std::function<TerminalSize()> size, Encoding terminal)
      : err_(err), size_(std::move(size)), terminal_(terminal) {}

  // What the next drawing may fill, as large as the terminal is now. One column stays free, and one
  // row: above the block something is to be seen. At least 1 by 1.
  TerminalSize room();

  // `lines` in UTF-8, at most room().rows of room().columns columns each (narrower ones leave what
  // stood there before: fill them up), controls that move no cursor not counted. `above`: lines of
  // any width, each with its end, that stay above the block for ever.
  void draw(const std::vector<std::string>& lines, std::string_view above);

 private:
  std::string to_the_first_line() const;

  Output& err_;
  std::function<TerminalSize()> size_;
  Encoding terminal_;
  TerminalSize room_ = {};  // as the caller was told
  std::size_t terminal_columns_ = 0;
  std::size_t lines_drawn_ = 0;
  std::size_t columns_drawn_ = 0;  // of each of them
};

}  // namespace fairlead
