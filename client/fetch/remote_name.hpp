// Names of files on a server, as users write them and as they are put together.
#pragma once

#include <string>
#include <string_view>

namespace fairlead {

// What the user typed, as the server knows it: without slashes at its end, and `.` is the root,
// whose name is empty. Whether it can be a name is for is_file_name to say.
std::string remote_name(std::string_view typed);

// A directory's name and one below it; either may be empty.
std::string joined_name(std::string_view directory, std::string_view below);

}  // namespace fairlead
