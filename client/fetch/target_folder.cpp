#include "client/fetch/target_folder.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fairlead {

// glibc has no wrapper of its own for openat2(2).
int open_below(int folder, const std::string& path, int flags, unsigned mode) {
  constexpr int kTriesMax = 8;  // EAGAIN: something was renamed while the kernel looked
  open_how how{};
  how.flags = static_cast<__u64>(flags) | O_CLOEXEC | O_NOCTTY;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int opened = -1;
  for (int i = 0; i < kTriesMax; ++i) {
    opened = static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
    if (opened >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return opened;
}

Result<TargetFolder> TargetFolder::open(const std::string& path) {
  TargetFolder folder;
  folder.path_ = path;
  const char* const where = path.empty() ? "." : path.c_str();
  folder.descriptor_ = Descriptor(::open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.descriptor_) {
    return make_error("cannot store in " + std::string(where) + ": " +
                      std::generic_category().message(errno) +
                      "; make that folder, or name another one");
  }
  return folder;
}

Result<TargetFolder> TargetFolder::below(std::span<const std::string> components) const {
  TargetFolder folder;
  folder.path_ = path_;
  folder.descriptor_ = Descriptor(open_below(descriptor(), ".", O_RDONLY | O_DIRECTORY));
  for (const std::string& component : components) {
    const bool is_made =
        folder.descriptor_ &&
        (::mkdirat(folder.descriptor(), component.c_str(), 0777) == 0 || errno == EEXIST);
    const int next =
        is_made ? open_below(folder.descriptor(), component, O_RDONLY | O_DIRECTORY) : -1;
    if (next < 0) {
      return make_error("cannot make or open the folder " + folder.path_of(component) + ": " +
                        std::generic_category().message(errno));
    }
    folder.path_ = folder.path_of(component);
    folder.descriptor_ = Descriptor(next);
  }
  return folder;
}

std::string TargetFolder::path_of(const std::string& name) const {
  if (path_.empty()) return name;
  return path_ + (path_.ends_with('/') ? "" : "/") + name;
}

}  // namespace fairlead
