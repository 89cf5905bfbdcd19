// Makes anything a peer sent safe to show on a terminal or in a log.
#pragma once

#include <cstddef>
#include <string>

#include "common/base/bytes.hpp"

namespace fairlead {

// Appends `text` with all that could steer a terminal or forge a line made visible: C0 and DEL as
// \n \r \t or \xNN, the backslash as \\, C1 controls, bidirectional controls (U+061C, U+200E/F,
// U+202A-E, U+2066-9), U+2028/9 and U+FEFF as \u{NNNN}, bytes that are not UTF-8 as \xNN (hex
// digits in lower case). Everything else is kept. At most `bytes_max` bytes of input are shown, and
// no character in part; what is cut off is named as "...(+N bytes)".
void append_escaped(std::string& out, Bytes text, std::size_t bytes_max = 4096);
std::string escaped(Bytes text, std::size_t bytes_max = 4096);

// Appends a JSON string literal with its quotes (RFC 8259). Bytes that are not UTF-8 become U+FFFD;
// the same controls as above are written as \uNNNN, so that a JSON log is as safe to look at as the
// text one. What is cut off is named in the same way, inside the quotes.
void append_json_string(std::string& out, Bytes text, std::size_t bytes_max = 4096);

}  // namespace fairlead
