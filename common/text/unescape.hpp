// Escapes as people write them, read.
#pragma once

#include <string>
#include <string_view>

namespace fairlead {

// The letters that may stand behind a backslash, and the byte that each stands for. \xNN is always
// one more.
struct EscapeLetters {
  std::string_view letters;
  std::string_view meanings;  // as long
};

// Appends the byte that the escape at the front of `text`, which begins with a backslash, stands
// for, and takes the escape away. Returns what is wrong, or nothing.
std::string take_escape(std::string_view& text, const EscapeLetters& known, std::string& out);

}  // namespace fairlead
