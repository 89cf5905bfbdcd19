// Where the reports of a load test go.
#pragma once

#include <string>
#include <string_view>

namespace fairlead {

// Writes `text` to the file, or to stdout for "-"; nothing for an empty path. Returns an exit code,
// having said why where it is not 0. A file that is there is replaced.
int write_report(const std::string& path, std::string_view text);

}  // namespace fairlead
