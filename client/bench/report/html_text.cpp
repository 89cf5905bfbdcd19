#include "client/bench/report/html_text.hpp"

#include <cctype>
#include <kainjow/mustache.hpp>

#include "common/text/escape.hpp"

namespace fairlead {

std::string html(Bytes text) {
  const std::string shown = escaped(text);
  std::string out;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    out += shown[i];
    // A backslash never ends an escape: one behind another is its own escape.
    if (shown[i] == '\\' && shown[i + 1] == '\\') ++i;
  }
  return kainjow::mustache::html_escape(out);
}

std::string with_micro_sign(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; (at = out.find(" us", at)) != std::string::npos; at += 3) {
    const bool is_unit =
        at > 0 && std::isdigit(static_cast<unsigned char>(out[at - 1])) != 0 &&
        (at + 3 == out.size() || std::isalpha(static_cast<unsigned char>(out[at + 3])) == 0);
    if (is_unit) out.replace(at, 3, " µs");
  }
  return out;
}

}  // namespace fairlead
