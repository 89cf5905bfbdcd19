// How large the terminal is just now.
#pragma once

#include <cstddef>

namespace fairlead {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// Of the terminal at `descriptor`; 80 by 24 where there is none, or it does not know. Cheap enough
// to be asked before each drawing, which so follows a window that is resized.
TerminalSize terminal_size(int descriptor);

}  // namespace fairlead
