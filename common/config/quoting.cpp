#include "common/config/quoting.hpp"

#include "common/base/bytes.hpp"
#include "common/base/hex.hpp"
#include "common/config/parsed.hpp"
#include "common/text/encoding.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kBlank = " \t";
constexpr EscapeLetters kEscapes{"ntr\\\"$", "\n\t\r\\\"$"};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_comment_or_nothing(std::string_view rest) {
  const auto text = trimmed(rest);
  return text.empty() || (text.front() == '#' && is_blank(rest.front()));
}

std::string_view without_comment(std::string_view raw) {
  for (std::size_t i = 0; i < raw.size(); ++i)
    if (raw[i] == '#' && (i == 0 || is_blank(raw[i - 1]))) return raw.substr(0, i);
  return raw;
}

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || !is_letter(name.front())) return false;
  for (const char c : name)
    if (!is_letter(c) && !(c >= '0' && c <= '9')) return false;
  return true;
}

// Appends the value of the `${...}` at the front of `text` and removes it from there. Returns an
// error, or nothing.
std::string take_variable(std::string_view& text, const Environment& environment,
                          std::string& out) {
  const auto close = text.find('}');
  if (close == std::string_view::npos) return "${ without its }";
  const auto inside = text.substr(2, close - 2);
  const auto dash = inside.find(":-");
  const auto name = inside.substr(0, dash);
  if (!is_variable_name(name))
    return shown(text.substr(0, close + 1)) + " names no variable: write ${VAR} or ${VAR:-default}";
  if (inside.find("${") != std::string_view::npos) return "${ within ${ is not possible";

  const auto found = environment.find(name);
  const bool has_value = found != environment.end() && !found->second.empty();
  if (found == environment.end() && dash == std::string_view::npos)
    return "the variable " + std::string(name) + " is not set, and ${" + std::string(name) +
           ":-default} gives no default";
  if (has_value) {
    out += found->second;
  } else if (dash != std::string_view::npos) {
    out += inside.substr(dash + 2);
  }
  text.remove_prefix(close + 1);
  return {};
}

bool is_control(char c) { return octet(c) < 0x20 || octet(c) == 0x7F; }

bool can_be_bare(std::string_view value) {
  if (value != trimmed(value) || value.starts_with('"')) return false;
  if (without_comment(value).size() != value.size()) return false;
  for (const char c : value)
    if (is_control(c)) return false;
  return value.find("${") == std::string_view::npos && is_utf8(value);
}

}  // namespace

Result<std::string> read_value(std::string_view raw, const Environment& environment) {
  const bool is_quoted = trimmed(raw).starts_with('"');
  std::string_view text = is_quoted ? trimmed(raw).substr(1) : trimmed(without_comment(raw));
  std::string value, error;
  while (!text.empty() && !(is_quoted && text.front() == '"')) {
    if (text.starts_with("${")) {
      error = take_variable(text, environment, value);
    } else if (is_quoted && text.front() == '\\') {
      error = take_escape(text, kEscapes, value);
    } else {
      value += text.front();
      text.remove_prefix(1);
    }
    if (!error.empty()) return make_error(std::move(error));
  }
  if (!is_quoted) return value;
  if (text.empty()) return make_error("the closing quote is missing");
  text.remove_prefix(1);
  if (!is_comment_or_nothing(text))
    return make_error(shown(trimmed(text)) + " stands behind the closing quote");
  return value;
}

bool has_tight_comment(std::string_view raw) noexcept {
  if (trimmed(raw).starts_with('"')) return false;
  const std::string_view comment = raw.substr(without_comment(raw).size());
  return comment.size() > 1 && !is_blank(comment[1]) && comment[1] != '#';
}

std::string written_value(std::string_view value) {
  if (can_be_bare(value)) return std::string(value);
  const bool text = is_utf8(value);
  std::string out = "\"";
  for (const char c : value) {
    if (const auto index = kEscapes.meanings.find(c); index != std::string_view::npos) {
      out += '\\';
      out += kEscapes.letters[index];
    } else if (is_control(c) || (!text && octet(c) >= 0x80)) {
      out += "\\x" + hex_of({&c, 1});
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string joined(const std::vector<std::string>& items) {
  std::string result;
  for (const auto& item : items) result += (result.empty() ? "" : ", ") + item;
  return result;
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace fairlead
