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

// The last component: what a file is stored as. Empty if there is none that a file can have here.
std::string stored_name(std::string_view remote);

// The components of a remote name, safe to be opened one below the other; empty if it is no name of
// a file (is_file_name).
std::vector<std::string> components_of(std::string_view remote);

// The names of the part file and of its side-car, beside the target. A name of more than
// `bytes_max` bytes (TargetFolder::name_bytes_max) is cut, and made unique by its hash.
std::string part_name(std::string_view target, std::size_t bytes_max);
std::string info_name(std::string_view target, std::size_t bytes_max);

// "a.txt.1": the name of a further copy.
std::string numbered_name(std::string_view target, unsigned number, std::size_t bytes_max);

// "a.txt.5f03a1c2.part": a name that no other process and no other call has made.
std::string own_part_name(std::string_view target, std::size_t bytes_max);

// The same of a machine, by a key that no other one has.
std::string machine_part_name(std::string_view target, std::string_view key, std::size_t bytes_max);

}  // namespace fairlead
