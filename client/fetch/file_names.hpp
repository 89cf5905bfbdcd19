// Names of files: at the server, and as they are stored.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

// The remote name for what the user typed: without slashes at its end; `.` is the root, whose name
// is empty. May be no valid name (is_file_name).
std::string remote_name(std::string_view typed);

// The name of `below` in `directory`; either may be empty.
std::string joined_name(std::string_view directory, std::string_view below);

// The components of a remote name, safe to be opened one below the other; empty if it is no name of
// a file (is_file_name).
std::vector<std::string> components_of(std::string_view remote);

// The names of the part file and of its side-car, beside the target. A name that is too long is
// cut, and made unique by its hash.
std::string part_name(std::string_view target);
std::string info_name(std::string_view target);

// "a.txt.1": the name of a further copy.
std::string numbered_name(std::string_view target, unsigned number);

}  // namespace fairlead
