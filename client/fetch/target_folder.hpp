// The folder that downloads are stored in, and those below it. Nothing outside of it is reached.
#pragma once

#include <span>
#include <string>

#include "common/base/descriptor.hpp"

namespace fairlead {

// Used on one thread. Problems are sentences without full stop; empty: there was none.
class TargetFolder {
 public:
  // The user's own path: may lead through symbolic links. Empty: the current folder.
  static TargetFolder open(const std::string& path, std::string& problem);

  // The folder below this one that the components lead to, made where it is missing; never through
  // a symbolic link. `components` are as components_of() gives them.
  TargetFolder below(std::span<const std::string> components, std::string& problem) const;

  int descriptor() const noexcept { return descriptor_.get(); }
  // For messages: the path of an entry.
  std::string path_of(const std::string& name) const;

 private:
  Descriptor descriptor_;
  std::string path_;
};

// openat2(2) below `folder`, without symbolic links; -1 and errno as there.
int open_below(int folder, const std::string& path, int flags, unsigned mode = 0);

}  // namespace fairlead
