// A wrong reply beside the right one, byte by byte.
#pragma once

#include <string>
#include <vector>

#include "client/bench/stats/tally.hpp"

namespace fairlead {

// Lines of "offset  hex  |ascii|", 16 bytes each: "  " before those that agree, else "- " before
// what should have come and "+ " before what came, and a line with ^^ under the first wrong byte.
// ASCII only, so safe to print. Empty when the mismatch holds no bytes.
std::vector<std::string> hex_diff(const Mismatch& mismatch);

}  // namespace fairlead
