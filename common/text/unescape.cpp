#include "common/text/unescape.hpp"

#include "common/text/escape.hpp"

namespace fairlead {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string no_escape(std::string_view text, const EscapeLetters& known) {
  std::string error = '"' + escaped(text.substr(0, 2)) + "\" is no escape: there are";
  for (const char letter : known.letters) error += {' ', '\\', letter};
  return error + " and \\xNN";
}

}  // namespace

std::string take_escape(std::string_view& text, const EscapeLetters& known, std::string& out) {
  if (text.size() > 1 && text[1] == 'x') {
    const int high = text.size() > 2 ? hex_digit(text[2]) : -1;
    const int low = text.size() > 3 ? hex_digit(text[3]) : -1;
    if (high < 0 || low < 0) return "\\x needs two hexadecimal digits";
    out += static_cast<char>(high * 16 + low);
    text.remove_prefix(4);
    return {};
  }
  const auto index = text.size() > 1 ? known.letters.find(text[1]) : std::string_view::npos;
  if (index == std::string_view::npos) return no_escape(text, known);
  out += known.meanings[index];
  text.remove_prefix(2);
  return {};
}

}  // namespace fairlead
