// Makes bytes from a peer safe for a terminal or a log.
#pragma once

#include <cstddef>
#include <string>

#include "common/base/bytes.hpp"

namespace fairlead {

// Appends `text`, and escapes everything that could control a terminal or forge a line: C0 and DEL
// as \n \r \t or \xNN, the backslash as \\, C1 controls, bidirectional controls (U+061C, U+200E/F,
// U+202A-E, U+2066-9), U+2028/9 and U+FEFF as \u{NNNN}, bytes that are not UTF-8 as \xNN (hex
// digits in lower case). A text of more than `bytes_max` bytes is cut at a character and ends with
// "...(+N bytes)".
void append_escaped(std::string& out, Bytes text, std::size_t bytes_max = 4096);
std::string escaped(Bytes text, std::size_t bytes_max = 4096);

// Appends a JSON string literal with its quotes (RFC 8259), cut in the same way. The controls above
// are written as \uNNNN, so that a JSON log is safe on a terminal too. Bytes that are not UTF-8
// become U+FFFD.
void append_json_string(std::string& out, Bytes text, std::size_t bytes_max = 4096);

}  // namespace fairlead
