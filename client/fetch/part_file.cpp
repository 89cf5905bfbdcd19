#include "client/fetch/part_file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "client/fetch/file_names.hpp"

namespace fairlead {
namespace {

// An outdated side-car is harmless: stored bytes are hashed again anyway.
constexpr Duration kInfoSavedEvery{500};
constexpr std::size_t kInfoBytesMax = 16 * 1024 * 1024;
constexpr unsigned kNumbersMax = 10'000;  // of NAME.1, NAME.2, ...
constexpr unsigned kMode = 0666;          // less the umask

TimePoint clock_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

std::string reason() { return std::generic_category().message(errno); }

bool write_all(int descriptor, Bytes bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

bool read_all(int descriptor, char* into, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t got = ::pread(descriptor, into, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    into += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

bool exists(int folder, const std::string& name) {
  struct stat found {};
  return ::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
}

// A regular file; else an empty descriptor, and errno.
Descriptor open_regular(int folder, const std::string& name, int flags) {
  const unsigned mode = (flags & O_CREAT) != 0 ? kMode : 0;
  Descriptor opened(open_below(folder, name, flags | O_NONBLOCK, mode));
  struct stat found {};
  if (!opened || ::fstat(opened.get(), &found) != 0) return Descriptor();
  if (S_ISREG(found.st_mode)) return opened;
  errno = EINVAL;
  return Descriptor();
}

std::uint64_t size_of(int descriptor) {
  struct stat found {};
  return ::fstat(descriptor, &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

// Whether `name` still is the open file: another download may have renamed it.
bool is_still(int folder, const std::string& name, int descriptor) {
  struct stat opened {
  }, named{};
  return ::fstat(descriptor, &opened) == 0 &&
         ::fstatat(folder, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// Returns 0 or errno; EEXIST if `to` exists. Not every file system supports RENAME_NOREPLACE.
int rename_anew(int folder, const std::string& from, const std::string& to) {
  if (::renameat2(folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  if (::linkat(folder, from.c_str(), folder, to.c_str(), 0) != 0) return errno;
  ::unlinkat(folder, from.c_str(), 0);
  return 0;
}

}  // namespace

PartFile::PartFile(TargetFolder folder, std::string name, IfExists if_exists)
    : folder_(std::move(folder)),
      target_(std::move(name)),
      part_name_(part_name(target_)),
      info_name_(info_name(target_)),
      if_exists_(if_exists) {}

PartFile::~PartFile() = default;

Result<std::unique_ptr<PartFile>> PartFile::open(TargetFolder folder, const std::string& name,
                                                 IfExists if_exists) {
  std::unique_ptr<PartFile> file(new PartFile(std::move(folder), name, if_exists));
  const bool is_there = exists(file->folder_.descriptor(), name);
  if (is_there && if_exists == IfExists::skip) return nullptr;
  if (is_there && if_exists == IfExists::fail) {
    return make_error(file->folder_.path_of(name) +
                      " is there already; --if-exists says what to do with it");
  }
  if (std::string problem = file->look_at_leftover(); !problem.empty())
    return make_error(std::move(problem));
  return file;
}

std::string PartFile::cannot(const std::string& what, const std::string& name) const {
  const std::string why = errno == ELOOP    ? "it is a symbolic link"
                          : errno == EINVAL ? "it is not a regular file"
                                            : reason();
  return "cannot " + what + " " + folder_.path_of(name) + ": " + why;
}

// ---- What an earlier attempt has left ----

std::string PartFile::look_at_leftover() {
  part_ = open_regular(folder_.descriptor(), part_name_, O_RDWR);
  if (!part_) return errno == ENOENT ? std::string() : cannot("go on with", part_name_);
  if (std::string problem = take_part(); !problem.empty()) return problem;
  leftover_.size = size_of(part_.get());
  const Descriptor info = open_regular(folder_.descriptor(), info_name_, O_RDONLY);
  if (!info) return {};
  std::string text(std::min<std::uint64_t>(size_of(info.get()), kInfoBytesMax), '\0');
  if (!read_all(info.get(), text.data(), text.size(), 0)) return {};
  if (auto told = read_part_info(text, leftover_.size)) {
    leftover_.identity = told->identity;
    leftover_.right = std::move(told->verified);
  }
  return {};
}

std::string PartFile::take_part() {
  const bool is_ours = ::flock(part_.get(), LOCK_EX | LOCK_NB) == 0 &&
                       is_still(folder_.descriptor(), part_name_, part_.get());
  if (is_ours) return {};
  part_ = Descriptor();
  return "another download is writing " + folder_.path_of(part_name_) + "; wait until it has ended";
}

bool PartFile::read(std::uint64_t offset, char* into, std::size_t size) {
  return read_all(part_.get(), into, size, offset);
}

std::uint64_t PartFile::next_data(std::uint64_t offset) const {
  const off_t data = ::lseek(part_.get(), static_cast<off_t>(offset), SEEK_DATA);
  if (data >= 0) return static_cast<std::uint64_t>(data);
  return errno == ENXIO ? leftover_.size : offset;
}

// ---- On its way ----

std::string PartFile::begin(const FileIdentity& identity) {
  if (!part_) {
    part_ = open_regular(folder_.descriptor(), part_name_, O_RDWR | O_CREAT);
    if (!part_) return cannot("write", part_name_);
    if (std::string problem = take_part(); !problem.empty()) return problem;
  }
  if (size_of(part_.get()) > identity.size &&
      ::ftruncate(part_.get(), static_cast<off_t>(identity.size)) != 0)
    return cannot("write", part_name_);
  info_ = {.identity = identity};
  // A single chunk is verified as a whole, so there is nothing to note before.
  if (identity.size > kChunkBytes) save_info();
  return {};
}

std::string PartFile::write(std::uint64_t offset, Bytes bytes) {
  return write_all(part_.get(), bytes, offset) ? std::string() : cannot("write", part_name_);
}

std::string PartFile::keep(std::uint64_t chunk) {
  info_.verified.insert(chunk);
  const bool is_worth_it = info_.identity.size > kChunkBytes;
  if (is_worth_it && clock_now() >= info_saved_at_ + kInfoSavedEvery) save_info();
  return {};
}

// A failure is harmless.
void PartFile::save_info() {
  info_saved_at_ = clock_now();
  const Descriptor file = open_regular(folder_.descriptor(), info_name_, O_WRONLY | O_CREAT);
  if (!file) return;
  const std::string text = part_info_text(info_);
  const bool is_whole = write_all(file.get(), text, 0) &&
                        ::ftruncate(file.get(), static_cast<off_t>(text.size())) == 0;
  if (!is_whole) ::unlinkat(folder_.descriptor(), info_name_.c_str(), 0);
}

// ---- The end ----

std::string PartFile::finish() {
  if (::fsync(part_.get()) != 0) return cannot("write", part_name_);
  // First the side-car, so that no interruption leaves it beside a complete file.
  ::unlinkat(folder_.descriptor(), info_name_.c_str(), 0);
  if (std::string problem = give_name(); !problem.empty()) {
    leave();
    return problem;
  }
  static_cast<void>(
      ::fsync(folder_.descriptor()));  // not every file system lets a folder be synced
  return {};
}

std::string PartFile::give_name() {
  const int folder = folder_.descriptor();
  if (if_exists_ == IfExists::overwrite) {
    if (::renameat(folder, part_name_.c_str(), folder, target_.c_str()) != 0)
      return cannot("replace", target_);
    stored_as_ = folder_.path_of(target_);
    return {};
  }
  std::string name = target_;
  int error = rename_anew(folder, part_name_, name);
  for (unsigned i = 1; error == EEXIST && if_exists_ == IfExists::rename && i <= kNumbersMax; ++i) {
    name = numbered_name(target_, i);
    error = rename_anew(folder, part_name_, name);
  }
  if (error == EEXIST && if_exists_ == IfExists::skip) {
    discard();
    return {};
  }
  if (error == EEXIST)
    return folder_.path_of(name) +
           " has come from elsewhere meanwhile; --if-exists says what to do";
  errno = error;
  if (error != 0) return cannot("give its name to", part_name_);
  stored_as_ = folder_.path_of(name);
  return {};
}

void PartFile::leave() {
  if (!part_) return;
  if (size_of(part_.get()) == 0) return discard();
  if (!info_.identity.is_any()) save_info();
}

void PartFile::discard() {
  if (part_) ::unlinkat(folder_.descriptor(), part_name_.c_str(), 0);
  ::unlinkat(folder_.descriptor(), info_name_.c_str(), 0);
}

}  // namespace fairlead
