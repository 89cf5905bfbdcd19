// The last lines of a terminal, drawn over again and again.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/output.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// The size of the terminal at `descriptor`; 80 by 24 if it is not known. Cheap: called before each
// drawing, to follow a resized window.
TerminalSize terminal_size(int descriptor);

// The columns of lines that are printed there and stay: what COLUMNS says, as for ls(1) and git(1);
// else those of the terminal; else 80. At least 40.
std::size_t columns_at(int descriptor);

// Whether the cursor can be moved: a terminal, and TERM is neither empty nor "dumb".
bool can_be_drawn_over(const Output& err);

// Each drawing is one write over the old block, so nothing flickers. Used on one thread; the output
// outlives it.
//
// Invariant: every line is narrower than the terminal, so none wraps.
class DrawnBlock {
 public:
  DrawnBlock(Output& err, std::function<TerminalSize()> size, Encoding terminal)
      : err_(err), size_(std::move(size)), terminal_(terminal) {}

  // The space for the next drawing: the terminal without one column and one row, at least 1 by 1.
  TerminalSize room();

  // `lines` in UTF-8: at most room().rows, each padded to room().columns, not counting colour
  // sequences. `above`: complete lines of any width that stay above the block.
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
