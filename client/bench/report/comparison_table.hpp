// A comparison as people read it.
#pragma once

#include <string>

#include "client/bench/judge/comparison.hpp"

namespace fairlead {

// A line on what was compared, and a table of figures, ratios and intervals: in columns for a
// terminal, and as Markdown for a page. Names of targets are escaped.
std::string comparison_text(const Comparison& comparison);
std::string comparison_markdown(const Comparison& comparison);

}  // namespace fairlead
