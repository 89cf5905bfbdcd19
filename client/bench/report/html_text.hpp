// Text on its way into a page.
#pragma once

#include <string>
#include <string_view>

#include "common/base/bytes.hpp"

namespace fairlead {

// Safe within an element or a quoted attribute of HTML and SVG, whatever `text` is. Controls (those
// that turn the direction of text, too) and bytes that are not UTF-8 are shown as in logs
// (common/text/escape.hpp), but a backslash stays one, so that a message reads as it was typed.
std::string html(Bytes text);

// For numbers of our own with their units: "842 us" reads "842 µs". Not escaped.
std::string with_micro_sign(std::string_view text);

}  // namespace fairlead
