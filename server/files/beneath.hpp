// Files below one directory, by descriptor. The kernel confines them: openat2(2) resolves a name
// below the root, so no race with a renamed directory or a new symlink leads outside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/descriptor.hpp"
#include "common/protocol/file_frames.hpp"
#include "common/protocol/file_name.hpp"

struct stat;

namespace fairlead {

struct Confinement {
  bool symlinks = false;  // symlinks are followed if they lead to below the root
  bool hidden = false;    // components may begin with a dot
};

// True for a name that may be looked up below a root. False, before any call of the kernel, for a
// name that is empty, absolute, too long, not of that form, or has NUL or a component that is "..",
// "." or empty, or begins with a dot where such files are hidden.
bool is_servable_name(std::string_view name, bool hidden, NameForm form = NameForm::utf8);

enum class OpenMode : std::uint8_t { read, directory };

// Empty: missing or forbidden. `name` must be servable; the empty name is the root itself, as a
// directory. Never waits for the other end of a FIFO, and takes no controlling terminal.
Descriptor open_beneath(int root, const std::string& name, OpenMode mode, const Confinement& rules);

// Why nothing may be served, with what to do: openat2(2) is missing or not permitted. Empty: it
// may.
std::string why_not_confined();

FileIdentity identity_of(const struct stat& found);

}  // namespace fairlead
