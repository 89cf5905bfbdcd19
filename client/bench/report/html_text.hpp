// Text on its way into a page.
#pragma once

#include <string>
#include <string_view>

#include "common/base/bytes.hpp"

namespace fairlead {

// Safe within an element or a quoted attribute of HTML and SVG, whatever `text` is: controls (those
// that turn the direction of text, too) and bytes that are not UTF-8 are shown as in logs
// (common/text/escape.hpp), but a backslash stays one, so that a message reads as it was typed.
std::string html(Bytes text);

// The same for numbers of our own with their units: "842 us" reads "842 µs".
std::string html_amount(std::string_view text);

}  // namespace fairlead
