// A line with colours that is exactly as wide as it must be.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

enum class Style { plain, quiet, strong, good, doubtful, bad };

// Colours are those of the terminal's own palette, so they suit light and dark ones.
class StyledLine {
 public:
  // `utf8` without controls.
  StyledLine& add(std::string_view utf8, Style style = Style::plain);

  // Filled up with spaces to `columns`, counting from the line's begin; at least one is added where
  // it is wider already.
  StyledLine& tab(std::size_t columns);

  // How wide it is so far.
  std::size_t columns() const noexcept { return columns_; }

  // In exactly so many columns, filled up or cut as of in_columns (width.hpp).
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
