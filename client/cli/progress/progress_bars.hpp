// A line with a bar, for a file or for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fairlead {

// The content of a bar. `size` is meaningless unless `size_known`.
struct BarLine {
  std::string name = {};   // escaped
  std::string state = {};  // in place of the time left; empty: that
  std::uint64_t here = 0, size = 0;
  bool size_known = false;
  double rate = 0;  // bytes a second
};

// A line of exactly `columns` columns; a narrow one shows fewer fields.
std::string bar_text(const BarLine& line, std::size_t columns);

}  // namespace fairlead
