// Numbers for people to read.
#pragma once

#include <string>

namespace fairlead {

// With so many digits behind the point, at most 20: 1.2386 with two is "1.24". Finite.
std::string with_decimals(double value, int decimals);

// Three digits, or all of a larger number: "0", "1.24", "12.4", "124". 0 or more, and finite.
std::string three_digits(double value);

}  // namespace fairlead
