// Where an edited line stands on the screen: columns, not characters, and not bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead {

// How many rows below its first character the cursor stands after `text` has been shown from the
// left edge of a terminal with `columns` columns. The rules are those of the line editor: a
// character that does not fit into a row begins the next one, a full row ends at once, control
// characters are shown as ^X. columns > 0; widths are those of the locale.
std::size_t rows_below(std::wstring_view text, std::size_t columns);

// `utf8` (escaped: no controls) in exactly so many columns: filled up with spaces, or cut at a
// character, with `~` in place of the rest. What the terminal has no width for is shown as `?`.
std::string in_columns(std::string_view utf8, std::size_t columns);

// How many columns in_columns needs to show all of `utf8`.
std::size_t columns_of(std::string_view utf8);

}  // namespace fairlead
