// The text behind the `=` of a configuration line: comments, quotes, escapes and variables, and the
// way back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/parsed.hpp"
#include "common/config/source.hpp"

namespace fairlead {

// Turns what stands behind the `=` into the value:
//   bare      white space around it is dropped; ` #` (or # at its beginning) starts a comment;
//   "quoted"  everything is kept; \n \t \r \\ \" \$ and \xNN stand for bytes; only a comment may
//   follow;
//   ${VAR}, ${VAR:-default}  in both; the default is for a variable that is unset or empty.
Parsed<std::string> read_value(std::string_view raw, const Environment& environment);

// The value as read_value() reads it back: bare where that is possible, else quoted.
std::string written_value(std::string_view value);

// A list as it is written: with ", " between the items.
std::string joined(const std::vector<std::string>& items);

// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text) noexcept;

}  // namespace fairlead
