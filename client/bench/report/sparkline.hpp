// Numbers as a row of little bars.
#pragma once

#include <cstddef>
#include <deque>
#include <string>

namespace fairlead {

// The last `columns` of `values` (0 or more), a column each; the greatest of those shown fills its
// column. Of U+2581 to U+2588, or in ASCII.
std::string sparkline(const std::deque<double>& values, std::size_t columns, bool ascii);

}  // namespace fairlead
