// The result of every parser of the configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/text/escape.hpp"

namespace fairlead {

// A value or an error: a sentence without its full stop that quotes the text, as in
// `"5x" is not a duration: write ...`.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string error;
};

// The text in double quotes for an error message, escaped and cut when it is long.
inline std::string shown(std::string_view text) {
  constexpr std::size_t kBytesMax = 80;  // fits on one line of a terminal
  return '"' + escaped(text, kBytesMax) + '"';
}

}  // namespace fairlead
