// The folder for downloads and its subfolders. Nothing outside of it can be reached.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "client/fetch/disk_space.hpp"
#include "common/base/descriptor.hpp"
#include "common/base/result.hpp"

namespace fairlead {

// Used on one thread. Subfolders use the DiskSpace of the folder that they were made from, which
// outlives them.
class TargetFolder {
 public:
  // The user's own path: may lead through symbolic links. Empty: the current folder. It need not be
  // readable: files can be stored in a drop box (mode 0333).
  static Result<TargetFolder> open(const std::string& path);
  // The same, and creates it, and those above it, if it is missing.
  static Result<TargetFolder> make(const std::string& path);

  // The subfolder named by the components (see components_of()), created if it is missing; never
  // through a symbolic link.
  Result<TargetFolder> below(std::span<const std::string> components) const;

  // May be one of O_PATH.
  int descriptor() const noexcept { return descriptor_.get(); }
  // The space on the disks for everything that is stored below.
  DiskSpace& space() const noexcept { return *space_; }
  // How long the name of an entry may be in this file system.
  std::size_t name_bytes_max() const;
  // Other machines may store here, too, as far as is known: its file system is none of those that
  // one machine has for itself.
  bool is_shared() const;
  // Waits until the names of its entries are on the disk, where the file system can do that and the
  // folder is readable.
  void sync() const;
  // For messages: the path of an entry.
  std::string path_of(const std::string& name) const;

 private:
  Descriptor descriptor_;
  std::string path_;
  std::unique_ptr<DiskSpace> own_space_;  // of the first folder
  DiskSpace* space_ = nullptr;
};

}  // namespace fairlead
