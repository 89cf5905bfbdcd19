#include "client/cli/terminal_size.hpp"

#include <sys/ioctl.h>

namespace fairlead {

TerminalSize terminal_size(int descriptor) {
  winsize told{};
  if (::ioctl(descriptor, TIOCGWINSZ, &told) != 0 || told.ws_col == 0 || told.ws_row == 0)
    return {};
  return {.columns = told.ws_col, .rows = told.ws_row};
}

}  // namespace fairlead
