#include "client/cli/shown_text.hpp"

#include <algorithm>

#include "common/text/escape.hpp"

namespace fairlead {

std::string escaped_lines(Bytes text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find_first_of("\n\t"), text.size());
    Bytes part = text.substr(0, size);
    const bool line_ends = size < text.size() && text[size] == '\n';
    if (line_ends && part.ends_with('\r')) part.remove_suffix(1);
    append_escaped(out, part, part.size());
    if (size < text.size()) out += text[size];
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return out;
}

std::string in_encoding(std::string_view utf8, Encoding encoding) {
  std::string out;
  append_encoded(out, utf8, encoding);
  return out;
}

}  // namespace fairlead
