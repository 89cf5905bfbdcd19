#include "client/fetch/target_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

namespace fairlead {

namespace {

// To make and look up entries takes no right to read the folder.
Descriptor open_folder(int folder, const std::string& name) {
  Descriptor opened = open_below(folder, name, O_RDONLY | O_DIRECTORY);
  if (opened || errno != EACCES) return opened;
  return open_below(folder, name, O_PATH | O_DIRECTORY);
}

}  // namespace

Result<TargetFolder> TargetFolder::open(const std::string& path) {
  TargetFolder folder;
  folder.path_ = path;
  const char* const where = path.empty() ? "." : path.c_str();
  folder.own_space_ = std::make_unique<DiskSpace>();
  folder.space_ = folder.own_space_.get();
  folder.descriptor_ = Descriptor(::open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.descriptor_ && errno == EACCES)
    folder.descriptor_ = Descriptor(::open(where, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.descriptor_) {
    return make_error("cannot store in " + std::string(where) + ": " +
                      std::generic_category().message(errno) +
                      "; make that folder (--create-dirs does), or name another one");
  }
  return folder;
}

Result<TargetFolder> TargetFolder::make(const std::string& path) {
  std::error_code failed;
  if (!path.empty()) std::filesystem::create_directories(path, failed);
  if (failed) return make_error("cannot make the folder " + path + ": " + failed.message());
  return open(path);
}

Result<TargetFolder> TargetFolder::below(std::span<const std::string> components) const {
  TargetFolder folder;
  folder.path_ = path_;
  folder.space_ = space_;
  folder.descriptor_ = open_folder(descriptor(), ".");
  for (const std::string& component : components) {
    const bool is_made =
        folder.descriptor_ &&
        (::mkdirat(folder.descriptor(), component.c_str(), 0777) == 0 || errno == EEXIST);
    Descriptor next = is_made ? open_folder(folder.descriptor(), component) : Descriptor();
    if (!next) {
      return make_error("cannot make or open the folder " + folder.path_of(component) + ": " +
                        std::generic_category().message(errno));
    }
    folder.path_ = folder.path_of(component);
    folder.descriptor_ = std::move(next);
  }
  return folder;
}

std::size_t TargetFolder::name_bytes_max() const {
  const long told = ::fpathconf(descriptor(), _PC_NAME_MAX);
  // vfat tells three bytes for each of its 255 UTF-16 units.
  return told > 0 && told < NAME_MAX ? static_cast<std::size_t>(told) : NAME_MAX;
}

bool TargetFolder::is_shared() const {
  // clang-format off
  constexpr std::array<std::uint32_t, 14> kLocal{
      0xEF53,      // ext2, ext3, ext4
      0x58465342,  // xfs
      0x9123683E,  // btrfs
      0x2FC12FC1,  // zfs
      0xF2F52010,  // f2fs
      0xCA451A4E,  // bcachefs
      0x3153464A,  // jfs
      0x01021994,  // tmpfs
      0x858458F6,  // ramfs
      0x794C7630,  // overlayfs
      0xF15F,      // ecryptfs
      0x4D44,      // vfat
      0x2011BAB0,  // exfat
      0x7366746E,  // ntfs3
  };
  // clang-format on
  struct statfs found {};
  return ::fstatfs(descriptor(), &found) != 0 ||
         std::ranges::find(kLocal, static_cast<std::uint32_t>(found.f_type)) == kLocal.end();
}

void TargetFolder::sync() const {
  const Descriptor readable = open_below(descriptor(), ".", O_RDONLY | O_DIRECTORY);
  if (readable) ::fsync(readable.get());
}

std::string TargetFolder::path_of(const std::string& name) const {
  if (path_.empty()) return name;
  return path_ + (path_.ends_with('/') ? "" : "/") + name;
}

}  // namespace fairlead
