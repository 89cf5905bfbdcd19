#include "client/bench/report/html_text.hpp"

#include "common/text/escape.hpp"

namespace fairlead {
namespace {

std::string_view entity_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return "";
  }
}

bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

}  // namespace

std::string html(Bytes text) {
  const std::string shown = escaped(text);
  std::string out;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const std::string_view entity = entity_of(shown[i]);
    entity.empty() ? out += shown[i] : out += entity;
    // A backslash never ends what is escaped: one more behind it is its own escape.
    if (shown[i] == '\\' && shown[i + 1] == '\\') ++i;
  }
  return out;
}

std::string html_amount(std::string_view text) {
  std::string out = html(text);
  for (std::size_t at = 0; (at = out.find(" us", at)) != std::string::npos; at += 3) {
    const bool is_unit = at > 0 && out[at - 1] >= '0' && out[at - 1] <= '9' &&
                         (at + 3 == out.size() || !is_letter(out[at + 3]));
    if (is_unit) out.replace(at, 3, " µs");
  }
  return out;
}

}  // namespace fairlead
