// Reads escapes as people write them.
#pragma once

#include <string>
#include <string_view>

namespace fairlead {

// The letters that may follow a backslash, and their bytes. \xNN is always allowed.
struct EscapeLetters {
  std::string_view letters;
  std::string_view meanings;  // as long
};

// Appends the byte of the escape at the front of `text`, which begins with a backslash, and removes
// the escape. Returns an error, or nothing.
std::string take_escape(std::string_view& text, const EscapeLetters& known, std::string& out);

}  // namespace fairlead
