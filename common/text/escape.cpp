#include "common/text/escape.hpp"

#include <algorithm>

#include "common/base/hex.hpp"
#include "common/text/characters.hpp"

namespace fairlead {
namespace {

// Characters that move the cursor, change the direction of text, or end a line in some viewer.
bool is_control(char32_t code) noexcept {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x061C || code == 0x200E ||
         code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

std::string hex_byte(char byte) { return hex_of({&byte, 1}); }

// Four digits: every code that is special is below U+10000.
std::string hex_code(char32_t code) {
  const char bytes[] = {static_cast<char>(code >> 8), static_cast<char>(code)};
  return hex_of({bytes, sizeof bytes});
}

// Appends \n, \r or \t; false for any other code.
bool append_short_form(std::string& out, char32_t code) {
  const char letter = code == '\n' ? 'n' : code == '\r' ? 'r' : code == '\t' ? 't' : '\0';
  if (letter == '\0') return false;
  out += {'\\', letter};
  return true;
}

// The text for a log line or a terminal.
struct Plain {
  static bool keeps(char32_t code) noexcept { return code != '\\' && !is_control(code); }

  static void append_special(std::string& out, char32_t code) {
    if (append_short_form(out, code)) return;
    if (code == '\\') {
      out += "\\\\";
    } else if (code < 0x80) {
      out += "\\x" + hex_byte(static_cast<char>(code));
    } else {
      out += "\\u{" + hex_code(code) + "}";
    }
  }

  static void append_broken(std::string& out, Bytes part) {
    for (const char c : part) out += "\\x" + hex_byte(c);
  }
};

// The inside of a JSON string.
struct Json {
  static bool keeps(char32_t code) noexcept { return code != '"' && Plain::keeps(code); }

  static void append_special(std::string& out, char32_t code) {
    if (append_short_form(out, code)) return;
    if (code == '"' || code == '\\') {
      out += {'\\', static_cast<char>(code)};
    } else {
      out += "\\u" + hex_code(code);
    }
  }

  static void append_broken(std::string& out, Bytes) { out += "\xEF\xBF\xBD"; }
};

template <class Format>
void append_shown(std::string& out, Bytes text, std::size_t bytes_max) {
  const std::size_t limit = std::min(text.size(), bytes_max);
  std::size_t shown = 0;
  while (shown < limit) {
    // Nearly all text is ASCII that stays as it is.
    const std::size_t from = shown;
    while (shown < limit && octet(text[shown]) < 0x80 && Format::keeps(octet(text[shown]))) ++shown;
    out += text.substr(from, shown - from);
    if (shown == limit) break;
    const Step step = utf8_step(text.substr(shown));
    const bool whole = step.kind == Step::Kind::whole;
    if (whole && step.size > limit - shown) break;  // no character is shown in part

    const Bytes part = text.substr(shown, std::min<std::size_t>(step.size, limit - shown));
    shown += part.size();
    if (!whole) {
      Format::append_broken(out, part);
    } else if (const char32_t code = code_point(part); Format::keeps(code)) {
      out += part;
    } else {
      Format::append_special(out, code);
    }
  }
  if (shown < text.size()) out += "...(+" + std::to_string(text.size() - shown) + " bytes)";
}

std::string no_escape(std::string_view text, const EscapeLetters& known) {
  std::string error = '"' + escaped(text.substr(0, 2)) + "\" is no escape: there are";
  for (const char letter : known.letters) error += {' ', '\\', letter};
  return error + " and \\xNN";
}

}  // namespace

void append_escaped(std::string& out, Bytes text, std::size_t bytes_max) {
  append_shown<Plain>(out, text, bytes_max);
}

std::string escaped(Bytes text, std::size_t bytes_max) {
  std::string out;
  append_escaped(out, text, bytes_max);
  return out;
}

void append_json_string(std::string& out, Bytes text, std::size_t bytes_max) {
  out += '"';
  append_shown<Json>(out, text, bytes_max);
  out += '"';
}

std::string take_escape(std::string_view& text, const EscapeLetters& known, std::string& out) {
  if (text.size() > 1 && text[1] == 'x') {
    const int high = text.size() > 2 ? hex_value(text[2]) : -1;
    const int low = text.size() > 3 ? hex_value(text[3]) : -1;
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
