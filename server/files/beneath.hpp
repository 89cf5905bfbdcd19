// Files below one directory, by descriptor. Confinement is the kernel's: openat2(2) resolves a name
// below the root, so no race with a renamed directory or a new symlink leads outside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/descriptor.hpp"
#include "common/protocol/file_frames.hpp"

struct stat;

namespace fairlead {

struct Confinement {
  bool symlinks = false;  // followed, if they lead to below the root
  bool hidden = false;    // components may begin with a dot
};

// True for a name that may be looked up below a root; every other one is refused before any call:
// empty, absolute, too long, not UTF-8, or with NUL, "..", "." or an empty component, or one that
// begins with a dot where those are hidden.
bool is_servable_name(std::string_view name, bool hidden);

enum class What : std::uint8_t { to_read, directory };

// Empty: missing or forbidden. `name` must be servable; an empty one is the root itself, as a
// directory. Never waits for the other end of a FIFO, and never makes a terminal ours.
Descriptor open_beneath(int root, const std::string& name, What what, const Confinement& rules);

// The kernel has openat2(2): without it nothing may be served.
bool can_confine();

FileIdentity identity_of(const struct stat& found);

}  // namespace fairlead
