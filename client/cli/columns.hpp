// Text measured in the columns of a terminal, not in characters or bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

// Rows between the begin of `text` and the cursor behind it, on a terminal of `columns` (> 0)
// columns. By the rules of the line editor: a character that does not fit begins the next row, a
// full row ends at once, control characters are shown as ^X.
std::size_t rows_below(std::wstring_view text, std::size_t columns);

// `utf8` (escaped: no controls) padded with spaces to exactly `columns`, or cut with a `~` at its
// end. A character without a width is shown as `?`.
std::string in_columns(std::string_view utf8, std::size_t columns);

// The columns that in_columns needs for all of `utf8`.
std::size_t columns_of(std::string_view utf8);

// `text` (escaped: no controls) broken between words into lines of at most `columns`, each with its
// end. The first one begins with `first`, the others with as many spaces. A word that is wider than
// a line is not broken.
std::string wrapped(std::string_view first, std::string_view text, std::size_t columns);

enum class Style { plain, quiet, strong, good, doubtful, bad };

// A line with colours, of an exact width. Colours come from the terminal's palette, so that they
// suit light and dark ones.
class StyledLine {
 public:
  // `utf8` without controls.
  StyledLine& add(std::string_view utf8, Style style = Style::plain);

  // Pads the line with spaces to `columns`, with at least one space.
  StyledLine& tab(std::size_t columns);

  // The width so far.
  std::size_t columns() const noexcept { return columns_; }

  // The line in exactly `columns` columns, padded or cut as by in_columns.
  std::string text(std::size_t columns, bool colour) const;

 private:
  struct Part {
    std::string text;
    std::size_t columns;
    Style style;
  };

  std::vector<Part> parts_;
  std::size_t columns_ = 0;
};

}  // namespace fairlead
