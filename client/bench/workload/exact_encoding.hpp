// Text of the command line in the encoding of the wire, or not at all.
#pragma once

#include <string>
#include <string_view>

#include "common/text/encoding.hpp"

namespace fairlead {

// `binary` and `utf8` pass everything through. Throws SettingError where a character cannot be
// written in `encoding`, or `utf8` is none.
std::string encoded_exactly(std::string_view utf8, Encoding encoding);

}  // namespace fairlead
