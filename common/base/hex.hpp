// Bytes as text.
#pragma once

#include <string>

#include "common/base/bytes.hpp"

namespace fairlead {

// Two lower-case digits for each byte.
std::string hex_of(Bytes bytes);

}  // namespace fairlead
