// Reads and writes the text behind the `=` of a configuration line: comments, quotes, escapes and
// variables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/config/source.hpp"

namespace fairlead {

// clang-format off
// Turns the text behind the `=` into the value:
//   bare      white space around it is dropped; ` #` (or # at its beginning) starts a comment
//   "quoted"  everything is kept; \n \t \r \\ \" \$ and \xNN stand for bytes; only a comment may follow
//   ${VAR}, ${VAR:-default}   in both; the default is for a variable that is unset or empty
// clang-format on
Result<std::string> read_value(std::string_view raw, const Environment& environment);

// Whether read_value() leaves out a comment without a blank behind its #, as in `#1 in town`.
bool has_tight_comment(std::string_view raw) noexcept;

// Writes a value so that read_value() returns it: bare where that is possible, else quoted.
std::string written_value(std::string_view value);

// The items with ", " between them.
std::string joined(const std::vector<std::string>& items);

// The text without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text) noexcept;

}  // namespace fairlead
