// Makes bytes from a peer safe for a terminal or a log, and reads escapes as people write them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

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

// The letters that may follow a backslash, and their bytes. \xNN is always allowed.
struct EscapeLetters {
  std::string_view letters;
  std::string_view meanings;  // as long
};

// Appends the byte of the escape at the front of `text`, which begins with a backslash, and removes
// the escape. Returns an error, or nothing.
std::string take_escape(std::string_view& text, const EscapeLetters& known, std::string& out);

}  // namespace fairlead
