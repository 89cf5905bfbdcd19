#include "client/fetch/named_file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "client/fetch/file_names.hpp"
#include "client/fetch/target_folder.hpp"

namespace fairlead {
namespace {

// The file itself, whatever its names are meanwhile.
std::string path_of(int file) { return "/proc/self/fd/" + std::to_string(file); }

int link_to(int folder, int file, const std::string& to) {
  const int made = ::linkat(AT_FDCWD, path_of(file).c_str(), folder, to.c_str(), AT_SYMLINK_FOLLOW);
  return made == 0 ? 0 : errno;
}

}  // namespace

Descriptor open_regular(int folder, const std::string& name, int flags, unsigned mode) {
  Descriptor opened = open_below(folder, name, flags | O_NONBLOCK, Symlinks::refused, mode);
  struct stat found {};
  if (!opened || ::fstat(opened.get(), &found) != 0) return Descriptor();
  if (S_ISREG(found.st_mode)) return opened;
  errno = EINVAL;
  return Descriptor();
}

bool is_named(int folder, const std::string& name, int file) {
  struct stat opened {
  }, named{};
  return ::fstat(file, &opened) == 0 &&
         ::fstatat(folder, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

void remove_name(int folder, const std::string& name, int file) {
  if (is_named(folder, name, file)) ::unlinkat(folder, name.c_str(), 0);
}

int name_anew(int folder, int file, const std::string& from, const std::string& to) {
  const int error = link_to(folder, file, to);
  if (error == 0 || error == EEXIST) return error;
  // No hard links here (vfat, some file systems in user space), no right to make one
  // (fs.protected_hardlinks), or no /proc: the name is renamed, and looked at before and after.
  if (!is_named(folder, from, file)) return ESTALE;
  if (const int failed = rename_anew(folder, from, to); failed != 0) return failed;
  if (is_named(folder, to, file)) return 0;
  rename_anew(folder, to, from);
  return ESTALE;
}

int name_over(int folder, int file, const std::string& from, const std::string& spare,
              const std::string& to) {
  if (link_to(folder, file, spare) == 0) {
    const int error = ::renameat(folder, spare.c_str(), folder, to.c_str()) == 0 ? 0 : errno;
    // Still there after a failure, and if `to` has been this file already (rename(2)).
    remove_name(folder, spare, file);
    return error;
  }
  // As in name_anew(); what was replaced cannot be brought back.
  if (!is_named(folder, from, file)) return ESTALE;
  if (::renameat(folder, from.c_str(), folder, to.c_str()) != 0) return errno;
  return is_named(folder, to, file) ? 0 : ESTALE;
}

int rename_anew(int folder, const std::string& from, const std::string& to) {
  if (::renameat2(folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system without this flag (NFS, some in user space): what comes in between is replaced.
  struct stat found {};
  if (::fstatat(folder, to.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
  return ::renameat(folder, from.c_str(), folder, to.c_str()) == 0 ? 0 : errno;
}

std::string found_part_name(const TargetFolder& folder, const std::string& target) {
  // Of the machine since it was started: what has the same one shares a kernel, and so its locks.
  constexpr std::size_t kKeyDigits = 8;
  const std::size_t bytes_max = folder.name_bytes_max();
  if (!folder.is_shared()) return part_name(target, bytes_max);
  std::string key;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> key;
  if (key.size() < kKeyDigits) return own_part_name(target, bytes_max);
  return machine_part_name(target, key.substr(0, kKeyDigits), bytes_max);
}

FileLock lock_file(int file) {
  if (::flock(file, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? FileLock::others : FileLock::useless;
  // A second descriptor must not get it.
  const Descriptor second(::open(path_of(file).c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  const bool is_given_twice = second && ::flock(second.get(), LOCK_EX | LOCK_NB) == 0;
  return is_given_twice ? FileLock::useless : FileLock::taken;
}

bool write_all(int file, Bytes bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

bool read_all(int file, char* into, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t got = ::pread(file, into, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    into += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

}  // namespace fairlead
