// The folder for downloads and its subfolders. Nothing outside of it can be reached.
#pragma once

#include <span>
#include <string>

#include "common/base/descriptor.hpp"
#include "common/base/result.hpp"

namespace fairlead {

// Used on one thread.
class TargetFolder {
 public:
  // The user's own path: may lead through symbolic links. Empty: the current folder.
  static Result<TargetFolder> open(const std::string& path);

  // The subfolder named by the components (see components_of()), created if it is missing; never
  // through a symbolic link.
  Result<TargetFolder> below(std::span<const std::string> components) const;

  int descriptor() const noexcept { return descriptor_.get(); }
  // For messages: the path of an entry.
  std::string path_of(const std::string& name) const;

 private:
  Descriptor descriptor_;
  std::string path_;
};

// openat2(2) below `folder`, without symbolic links; -1 and errno on failure.
int open_below(int folder, const std::string& path, int flags, unsigned mode = 0);

}  // namespace fairlead
