#include "server/files/beneath.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <limits>

namespace fairlead {
namespace {

// Of a time before 1678 or behind 2262, which some disks can have, the nearest one that fits.
std::int64_t nanoseconds(const timespec& time) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (time.tv_sec >= kMax / kSecond) return kMax;
  if (time.tv_sec <= -kMax / kSecond) return -kMax;
  return std::int64_t{time.tv_sec} * kSecond + time.tv_nsec;
}

}  // namespace

bool is_servable_name(std::string_view name, bool hidden, NameForm form) {
  if (!is_file_name(name, form)) return false;
  return hidden || (name.front() != '.' && name.find("/.") == name.npos);
}

Descriptor open_beneath(int root, const std::string& name, OpenMode mode,
                        const Confinement& rules) {
  int flags = O_RDONLY | O_NONBLOCK;
  if (mode == OpenMode::directory) flags |= O_DIRECTORY;
  return open_below(root, name.empty() ? "." : name, flags,
                    rules.symlinks ? Symlinks::followed : Symlinks::refused);
}

std::string why_not_confined() {
  const Descriptor root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (open_below(root.get(), ".", O_PATH)) return {};
  const int why = errno;
  const std::string what = "files cannot be served safely: ";
  if (why == ENOSYS)
    return what +
           "this kernel has no openat2(2); use Linux 5.6 or newer, or no service of type file";
  if (why == EMFILE || why == ENFILE)
    return what + std::generic_category().message(why) + kAllowMoreDescriptors;
  return what + "openat2(2): " + std::generic_category().message(why) +
         "; permit the call (seccomp), or use no service of type file";
}

FileIdentity identity_of(const struct stat& found) {
  return {.device = found.st_dev,
          .inode = found.st_ino,
          .size = static_cast<std::uint64_t>(found.st_size),
          .mtime_ns = nanoseconds(found.st_mtim),
          .ctime_ns = nanoseconds(found.st_ctim)};
}

}  // namespace fairlead
