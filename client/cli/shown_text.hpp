// Text of a server on its way to where the user looks.
#pragma once

#include <string>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// For a terminal: escaped (common/text/escape.hpp), but for line ends and tabs, which stay; CRLF
// becomes LF. `text` is UTF-8, or bytes of anything.
std::string escaped_lines(Bytes text);

// `utf8` in the encoding of the terminal, or of whatever reads our stdout.
std::string in_encoding(std::string_view utf8, Encoding encoding);

}  // namespace fairlead
