#include "common/log/event_text.hpp"

#include <charconv>
#include <cmath>
#include <cstddef>

#include "common/text/escape.hpp"

namespace fairlead {

namespace {

void append_word(std::string& out, std::string_view word) {
  const std::size_t begin = out.size();
  append_escaped(out, word);
  const std::string_view shown = std::string_view(out).substr(begin);
  const bool plain =
      !word.empty() && shown == word && shown.find_first_of(" \"=") == std::string_view::npos;
  if (plain) return;
  // Backslashes are doubled already, so \" can only mean a quote.
  for (std::size_t at = out.find('"', begin); at != std::string::npos; at = out.find('"', at + 2)) {
    out.insert(at, 1, '\\');
  }
  out.insert(begin, 1, '"');
  out += '"';
}

template <class Number>
void append_number(std::string& out, Number number) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

// Appends a value; `append_text` appends the text of the format.
template <class AppendText>
void append_value(std::string& out, const Field::Value& value, AppendText append_text) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    append_text(out, *text);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* real = std::get_if<double>(&value)) {
    append_number(out, *real);
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    append_number(out, *whole);
  } else {
    append_number(out, std::get<std::uint64_t>(value));
  }
}

bool is_null_in_json(const Field::Value& value) {
  const auto* real = std::get_if<double>(&value);
  return real != nullptr && !std::isfinite(*real);
}

void append_json_text(std::string& out, std::string_view text) { append_json_string(out, text); }

}  // namespace

void append_event_text(std::string& out, Level level, std::string_view event,
                       std::span<const Field> fields) {
  out += name_of(level);
  out += ' ';
  append_word(out, event);
  for (const Field& field : fields) {
    out += ' ';
    append_word(out, field.name);
    out += '=';
    append_value(out, field.value, append_word);
  }
}

void append_event_json(std::string& out, Level level, std::string_view event,
                       std::span<const Field> fields) {
  out += "\"level\":\"";
  out += name_of(level);
  out += "\",\"event\":";
  append_json_text(out, event);
  for (const Field& field : fields) {
    out += ',';
    append_json_text(out, field.name);
    out += ':';
    if (is_null_in_json(field.value)) {
      out += "null";
    } else {
      append_value(out, field.value, append_json_text);
    }
  }
}

}  // namespace fairlead
