// Open files and their names in a folder. A name may be taken, removed or given to another file by
// any other program at any time, so what is done to a file is done by its descriptor where the
// kernel has a way to do so.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/bytes.hpp"
#include "common/base/descriptor.hpp"

namespace fairlead {

class TargetFolder;

// A regular file, opened without following symbolic links and without waiting; else empty, and
// errno: EINVAL if it is of another kind. `flags` and `mode` as for open(2).
Descriptor open_regular(int folder, const std::string& name, int flags, unsigned mode = 0);

// Whether `name` is this open file at the moment.
bool is_named(int folder, const std::string& name, int file);

// Removes a name while it is this open file. No call of the kernel compares and removes in one
// step: in the instant between, another program's file could lose the name.
void remove_name(int folder, const std::string& name, int file);

// Gives the open file, which may have the name `from`, the name `to`. Returns 0 or errno: EEXIST if
// `to` exists, ESTALE if the file has no name any more or `from` became another file. `from` may be
// left behind.
int name_anew(int folder, int file, const std::string& from, const std::string& to);

// The same, and replaces what `to` names now. `spare` is a name that nobody else uses.
int name_over(int folder, int file, const std::string& from, const std::string& spare,
              const std::string& to);

// Gives `from`, whatever it is, the name `to`. Returns 0 or errno; EEXIST if `to` exists.
int rename_anew(int folder, const std::string& from, const std::string& to);

// The name of the part of a target that processes of this machine look for: part_name(), or where
// other machines may store, too, one that no other machine uses.
std::string found_part_name(const TargetFolder& folder, const std::string& target);

// Locks (flock(2)) that keep other processes of this machine from an open file.
enum class FileLock : std::uint8_t {
  taken,    // by this descriptor
  others,   // another process has it
  useless,  // the file system has none, or gives it to everybody
};
FileLock lock_file(int file);

// All bytes, or false and errno.
bool write_all(int file, Bytes bytes, std::uint64_t offset);
bool read_all(int file, char* into, std::size_t size, std::uint64_t offset);

}  // namespace fairlead
