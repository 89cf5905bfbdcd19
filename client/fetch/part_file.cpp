#include "client/fetch/part_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "client/fetch/file_names.hpp"
#include "client/fetch/named_file.hpp"
#include "common/base/page_buffer.hpp"

namespace fairlead {
namespace {

// An outdated side-car is harmless: stored bytes are hashed again anyway.
constexpr Duration kInfoSavedEvery{500};
constexpr std::size_t kInfoBytesMax = 16 * 1024 * 1024;
constexpr unsigned kNumbersMax = 10'000;  // of NAME.1, NAME.2, ...
constexpr unsigned kMode = 0666;          // less the umask
constexpr unsigned kPrivateMode = 0600;   // of what replaces a file, until it has that one's

TimePoint clock_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

std::string reason() { return std::generic_category().message(errno); }

// What has this name, not what a symbolic link leads to. False: nothing.
bool look_up(int folder, const std::string& name, struct stat& found) {
  return ::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
}

struct stat status_of(int descriptor) {
  struct stat found {};
  ::fstat(descriptor, &found);
  return found;
}

std::uint64_t size_of(int descriptor) {
  return static_cast<std::uint64_t>(status_of(descriptor).st_size);
}

std::uint64_t stored_bytes_of(int descriptor) {
  constexpr std::uint64_t kBlock = 512;  // of st_blocks, on every file system
  return static_cast<std::uint64_t>(status_of(descriptor).st_blocks) * kBlock;
}

}  // namespace

PartFile::PartFile(TargetFolder folder, std::string name, const Storing& storing)
    : folder_(std::move(folder)),
      target_(std::move(name)),
      common_name_(fairlead::part_name(target_, folder_.name_bytes_max())),
      info_name_(fairlead::info_name(target_, folder_.name_bytes_max())),
      found_name_(found_part_name(folder_, target_)),
      part_name_(found_name_),
      storing_(storing) {}

PartFile::~PartFile() = default;

Result<std::unique_ptr<PartFile>> PartFile::open(TargetFolder folder, const std::string& name,
                                                 const Storing& storing) {
  std::unique_ptr<PartFile> file(new PartFile(std::move(folder), name, storing));
  bool is_skipped = false;
  std::string problem = file->look_at_target(is_skipped);
  if (problem.empty() && is_skipped) return nullptr;
  if (problem.empty() && storing.resumes) problem = file->look_at_leftover();
  if (!problem.empty()) return make_error(std::move(problem));
  return file;
}

std::string PartFile::cannot(const std::string& what, const std::string& name) const {
  const std::string why = errno == ELOOP    ? "it is a symbolic link"
                          : errno == EINVAL ? "it is not a regular file"
                                            : reason();
  return "cannot " + what + " " + folder_.path_of(name) + ": " + why;
}

// What would fail at the end fails before anything is fetched.
std::string PartFile::look_at_target(bool& is_skipped) const {
  const std::size_t bytes_max = folder_.name_bytes_max();
  if (target_.size() > bytes_max) {
    return "the name " + target_ + " has " + std::to_string(target_.size()) +
           " bytes, and this file system takes " + std::to_string(bytes_max) +
           "; store it under another one, with -o";
  }
  struct stat found {};
  if (!look_up(folder_.descriptor(), target_, found)) return {};
  for (const std::string& name : {common_name_, found_name_}) {
    struct stat part {};
    const bool is_named_twice = look_up(folder_.descriptor(), name, part) &&
                                part.st_dev == found.st_dev && part.st_ino == found.st_ino;
    // What named it was killed before it had removed the first name.
    if (is_named_twice) ::unlinkat(folder_.descriptor(), name.c_str(), 0);
  }
  is_skipped = storing_.if_exists == IfExists::skip;
  if (is_skipped || storing_.if_exists == IfExists::rename) return {};
  if (!S_ISREG(found.st_mode)) {
    const std::string kind = S_ISDIR(found.st_mode)   ? "a directory"
                             : S_ISLNK(found.st_mode) ? "a symbolic link"
                                                      : "not a regular file";
    return folder_.path_of(target_) + " is " + kind +
           ", and is not replaced; use another name, or -o - to write to stdout";
  }
  if (replaces()) return {};
  return folder_.path_of(target_) + " is there already; --if-exists says what to do with it";
}

// ---- What an earlier attempt has left ----

std::string PartFile::look_at_leftover() {
  if (!open_part() && errno != ENOENT) return cannot("go on with", part_name_);
  if (std::string problem = part_ ? take_part() : ""; !problem.empty()) return problem;
  if (!part_) return storing_.if_exists == IfExists::update ? begin_with_target() : "";
  leftover_.size = size_of(part_.get());
  const Descriptor info = open_regular(folder_.descriptor(), info_name_, O_RDONLY);
  if (!info) return {};
  // The note belongs to a part of that name.
  if (part_name_ != common_name_) remove_name(folder_.descriptor(), info_name_, info.get());
  std::string text(std::min<std::uint64_t>(size_of(info.get()), kInfoBytesMax), '\0');
  if (!read_all(info.get(), text.data(), text.size(), 0)) return {};
  if (auto told = read_part_info(text, leftover_.size)) {
    leftover_.identity = told->identity;
    leftover_.right = std::move(told->verified);
  }
  return {};
}

// False: there is none, or errno says what is wrong with it.
bool PartFile::open_part() {
  const int folder = folder_.descriptor();
  part_ = open_regular(folder, part_name_, O_RDWR);
  if (part_ || errno != ENOENT || part_name_ == common_name_) return bool(part_);
  // What has ended in order on any machine.
  errno = rename_anew(folder, common_name_, part_name_);
  if (errno == 0) part_ = open_regular(folder, part_name_, O_RDWR);
  return bool(part_);
}

// Keeps others from the part that was opened. Afterwards there may be no part: it was taken by
// another process, or it is a file with a name elsewhere.
std::string PartFile::take_part() {
  const FileLock lock = lock_file(part_.get());
  if (lock == FileLock::others || !is_ours()) {
    part_ = Descriptor();
    return "another download is writing " + folder_.path_of(part_name_) +
           "; wait until it has ended";
  }
  if (status_of(part_.get()).st_nlink > 1) {
    // A finished file, or a backup made of links: what has another name is not written into.
    remove_name(folder_.descriptor(), part_name_, part_.get());
    part_ = Descriptor();
  } else if (lock == FileLock::useless) {
    take_own();
  }
  return {};
}

bool PartFile::is_ours() const { return is_named(folder_.descriptor(), part_name_, part_.get()); }

std::string PartFile::has_gone() const {
  return folder_.path_of(part_name_) +
         " was removed or replaced by another program while it was written; run the command again "
         "when no other one stores there";
}

std::string PartFile::begin_with_target() {
  old_ = open_regular(folder_.descriptor(), target_, O_RDONLY);
  if (!old_) return errno == ENOENT ? std::string() : cannot("compare", target_);
  leftover_.size = size_of(old_.get());
  return make_part();
}

bool PartFile::read(std::uint64_t offset, char* into, std::size_t size) {
  if (!old_) return read_all(part_.get(), into, size, offset);
  // What is hashed now is what is stored, whoever writes into the target.
  return read_all(old_.get(), into, size, offset) &&
         write_all(part_.get(), Bytes(into, size), offset);
}

std::uint64_t PartFile::next_data(std::uint64_t offset) const {
  const int file = old_ ? old_.get() : part_.get();
  const off_t data = ::lseek(file, static_cast<off_t>(offset), SEEK_DATA);
  if (data >= 0) return static_cast<std::uint64_t>(data);
  return errno == ENXIO ? leftover_.size : offset;
}

// ---- On its way ----

std::string PartFile::begin(const FileIdentity& identity) {
  if (!part_) {
    if (std::string problem = make_part(); !problem.empty()) return problem;
  } else if (!is_ours()) {
    return has_gone();
  }
  old_ = Descriptor();  // all of it has been read
  make_private();
  if (size_of(part_.get()) > identity.size &&
      ::ftruncate(part_.get(), static_cast<off_t>(identity.size)) != 0)
    return cannot("write", part_name_);
  const std::uint64_t stored = stored_bytes_of(part_.get());
  space_ = DiskSpace::Claim();
  auto claim =
      folder_.space().claim(folder_.descriptor(), identity.size - std::min(identity.size, stored));
  if (!claim) return "cannot store " + folder_.path_of(target_) + ": " + claim.error().what;
  space_ = *std::move(claim);
  info_ = {.identity = identity};
  hashed_chunks_ = 0;
  static_cast<void>(hash_.finish());  // begins anew
  // A single chunk is verified as a whole, so there is nothing to note before.
  if (identity.size > kChunkBytes) save_info();
  return {};
}

std::string PartFile::make_part() {
  if (!storing_.resumes) part_name_ = own_part_name(target_, folder_.name_bytes_max());
  part_ = open_regular(folder_.descriptor(), part_name_, O_RDWR | O_CREAT | O_EXCL, kMode);
  if (!part_ && errno == EEXIST && storing_.resumes) {
    return "another download is writing " + folder_.path_of(part_name_) +
           "; wait until it has ended";
  }
  if (!part_) return cannot("write", part_name_);
  make_private();
  if (!storing_.resumes || lock_file(part_.get()) != FileLock::useless) return {};
  take_own();
  if (part_) return {};
  // Another process found it before we had renamed it; this name nobody finds.
  part_ = open_regular(folder_.descriptor(), part_name_, O_RDWR | O_CREAT | O_EXCL, kMode);
  return part_ ? std::string() : cannot("write", part_name_);
}

// Where locks say nothing, a part belongs to the process that renames it: only one can. Another
// name, without a note, until leave().
void PartFile::take_own() {
  const std::string before =
      std::exchange(part_name_, own_part_name(target_, folder_.name_bytes_max()));
  const int folder = folder_.descriptor();
  part_ = ::renameat(folder, before.c_str(), folder, part_name_.c_str()) == 0
              ? open_regular(folder, part_name_, O_RDWR)
              : Descriptor();
}

std::string PartFile::write(std::uint64_t offset, Bytes bytes) {
  // A lock is no proof: some file systems keep it from other processes and not from other machines.
  if (!is_ours()) return has_gone();
  if (!write_all(part_.get(), bytes, offset)) return cannot("write", part_name_);
  space_.spend(bytes.size());
  return {};
}

std::string PartFile::keep(std::uint64_t chunk) {
  info_.verified.insert(chunk);
  if (storing_.hashes && !hash_on()) return cannot("read", part_name_);
  const bool is_worth_it = info_.identity.size > kChunkBytes;
  if (is_worth_it && clock_now() >= info_saved_at_ + kInfoSavedEvery) save_info();
  return {};
}

// In order, as far as chunks have been kept; most are in memory still.
bool PartFile::hash_on() {
  PageBuffer bytes(kChunkBytes);
  for (; info_.verified.contains(hashed_chunks_); ++hashed_chunks_) {
    const std::uint64_t offset = hashed_chunks_ * kChunkBytes;
    const std::uint64_t size = std::min(kChunkBytes, info_.identity.size - offset);
    char* const into = bytes.at(offset);
    if (!read_all(part_.get(), into, size, offset)) return false;
    hash_.update(Bytes(into, size));
  }
  return true;
}

Sha256Digest PartFile::digest() {
  if (!digest_) digest_ = hash_.finish();
  return *digest_;
}

// A failure is harmless.
void PartFile::save_info() {
  if (part_name_ != common_name_) return;
  info_saved_at_ = clock_now();
  const Descriptor file = open_regular(folder_.descriptor(), info_name_, O_WRONLY | O_CREAT, kMode);
  if (!file) return;
  const std::string text = part_info_text(info_);
  const bool is_whole = write_all(file.get(), text, 0) &&
                        ::ftruncate(file.get(), static_cast<off_t>(text.size())) == 0;
  if (!is_whole) ::unlinkat(folder_.descriptor(), info_name_.c_str(), 0);
}

// ---- The end ----

std::string PartFile::finish() {
  if (storing_.keeps_time && !set_time()) return cannot("set the time of", part_name_);
  if (storing_.syncs && ::fsync(part_.get()) != 0) return cannot("write", part_name_);
  // First the side-car, so that no interruption leaves it beside a complete file.
  if (part_name_ == common_name_ && is_ours())
    ::unlinkat(folder_.descriptor(), info_name_.c_str(), 0);
  if (std::string problem = give_name(); !problem.empty()) {
    leave();
    return problem;
  }
  remove_name(folder_.descriptor(), part_name_, part_.get());
  return {};
}

bool PartFile::set_time() {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t ns = info_.identity.mtime_ns;
  const std::int64_t seconds = ns / kSecond - (ns % kSecond < 0 ? 1 : 0);
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                             {.tv_sec = seconds, .tv_nsec = ns - seconds * kSecond}};
  return ::futimens(part_.get(), times) == 0;
}

std::string PartFile::give_name() {
  const int folder = folder_.descriptor();
  const std::size_t bytes_max = folder_.name_bytes_max();
  std::string name = target_;
  int error = 0;
  if (replaces()) {
    bool is_skipped = false;
    if (std::string problem = look_at_target(is_skipped); !problem.empty()) return problem;
    take_over_mode();
    error = name_over(folder, part_.get(), part_name_, own_part_name(target_, bytes_max), target_);
  } else {
    error = name_anew(folder, part_.get(), part_name_, name);
    for (unsigned i = 1;
         error == EEXIST && storing_.if_exists == IfExists::rename && i <= kNumbersMax; ++i) {
      name = numbered_name(target_, i, bytes_max);
      error = name_anew(folder, part_.get(), part_name_, name);
    }
  }
  if (error == EEXIST && storing_.if_exists == IfExists::skip) {
    discard();
    return {};
  }
  if (error == EEXIST)
    return folder_.path_of(name) +
           " has come from elsewhere meanwhile; --if-exists says what to do";
  if (error == ESTALE) return has_gone();
  errno = error;
  if (error != 0) return cannot("give its name to", part_name_);
  stored_as_ = folder_.path_of(name);
  return {};
}

// What replaces a file may be as private as that one. Fails where the part is another user's.
void PartFile::make_private() const {
  struct stat old {};
  if (replaces() && look_up(folder_.descriptor(), target_, old))
    ::fchmod(part_.get(), kPrivateMode);
}

// That of the file that is replaced: who could not read it cannot read the new one.
void PartFile::take_over_mode() {
  struct stat old {};
  if (!look_up(folder_.descriptor(), target_, old)) return;
  const struct stat ours = status_of(part_.get());
  mode_t mode = old.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
  const bool is_same = ours.st_uid == old.st_uid && ours.st_gid == old.st_gid;
  if (!is_same && ::fchown(part_.get(), old.st_uid, old.st_gid) != 0 &&
      ::fchown(part_.get(), static_cast<uid_t>(-1), old.st_gid) != 0) {
    // The rights of a group are not those of another one: it gets what everybody has.
    mode = (mode & ~static_cast<mode_t>(S_IRWXG)) | ((mode & S_IRWXO) << 3);
  }
  ::fchmod(part_.get(), mode);
}

void PartFile::leave() {
  if (!part_ || !is_ours()) return;
  if (size_of(part_.get()) == 0) return discard();
  if (part_name_ != common_name_) {
    // Back, for the next attempt. What has come there meanwhile is another's.
    const int folder = folder_.descriptor();
    if (name_anew(folder, part_.get(), part_name_, common_name_) != 0) {
      if (part_name_ != found_name_) discard();
      return;
    }
    remove_name(folder, part_name_, part_.get());
    part_name_ = common_name_;
  }
  if (!info_.identity.is_any()) save_info();
}

void PartFile::discard() {
  if (!part_ || !is_ours()) return;
  if (part_name_ == common_name_) ::unlinkat(folder_.descriptor(), info_name_.c_str(), 0);
  remove_name(folder_.descriptor(), part_name_, part_.get());
}

}  // namespace fairlead
