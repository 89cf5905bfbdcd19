// The names under which fetched files are stored. Nothing of a file system.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

// The components of a remote name, which are safe to be opened one below the other; empty: it is
// not the name of a file (is_file_name).
std::vector<std::string> components_of(std::string_view remote);

// The file that a download is written to until it is whole, and the side-car with what is known of
// it. They stand beside the target. Where a name would be too long, it is cut at a character and
// told apart by its hash.
std::string part_name(std::string_view target);
std::string info_name(std::string_view target);

// "a.txt.1": the name of a further copy.
std::string numbered_name(std::string_view target, unsigned number);

}  // namespace fairlead
