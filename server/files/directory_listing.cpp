#include "server/files/directory_listing.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/protocol/limits.hpp"
#include "common/text/encoding.hpp"
#include "server/files/disk_error.hpp"

namespace fairlead {
namespace {

// Whether the names behind `after` are among these, or it is known that there are none.
bool covers(const ListedNames& names, const std::string& after) {
  return names.after <= after && (!names.has_more || after < names.names.back());
}

}  // namespace

std::optional<FileAnswer> DirectoryListing::step() {
  if (!directory_)
    if (const RequestError why = open(); why != RequestError::none) return FileAnswer(why);
  if (reading_) {
    if (const RequestError why = read_names(); why != RequestError::none) return FileAnswer(why);
    return std::nullopt;
  }
  if (!look_at_names()) return std::nullopt;
  return FileAnswer(std::move(page_));
}

RequestError DirectoryListing::open() {
  auto opened = open_in(*root_, work_.name, OpenMode::directory);
  if (!opened) return opened.error();
  const auto found = status_of(*root_, work_.name, opened->get());
  if (!found) return found.error();
  identity_ = found->identity;
  directory_.reset(::fdopendir(opened->get()));
  if (!directory_) return report_disk_error(root_->log, work_.name, "list", errno);
  opened->release();
  names_ = cache_.find(identity_);
  if (names_ && covers(*names_, work_.after)) {
    next_ = static_cast<std::size_t>(std::ranges::upper_bound(names_->names, work_.after) -
                                     names_->names.begin());
  } else {
    begin_names(work_.after);
  }
  return RequestError::none;
}

// ---- The names ----

void DirectoryListing::begin_names(const std::string& after) {
  ::rewinddir(directory_.get());
  reading_ = std::make_shared<ListedNames>();
  reading_->identity = identity_;
  reading_->after = after;
  reading_bytes_ = 0;
}

RequestError DirectoryListing::read_names() {
  for (std::size_t i = 0; i < kSliceEntries; ++i) {
    errno = 0;  // the end of a directory leaves it as it is (readdir(3))
    const dirent* const entry = ::readdir(directory_.get());
    if (entry == nullptr && errno != 0)
      return report_disk_error(root_->log, work_.name, "list", errno);
    if (entry == nullptr) {
      finish_names();
      return RequestError::none;
    }
    std::string name = entry->d_name;
    if (name <= reading_->after) continue;
    if (!is_servable_name(name, true)) {
      if (!is_utf8(name) && left_out_++ == 0) example_ = std::move(name);
      continue;
    }
    reading_bytes_ += sizeof(std::string) + name.size();
    reading_->names.push_back(std::move(name));
    if (reading_bytes_ > 2 * names_bytes_max_) drop_last_names();
  }
  return RequestError::none;
}

// Half of them, so that each name is moved a few times at most.
void DirectoryListing::drop_last_names() {
  std::vector<std::string>& names = reading_->names;
  const auto middle = names.begin() + static_cast<std::ptrdiff_t>((names.size() + 1) / 2);
  std::nth_element(names.begin(), middle, names.end());
  names.erase(middle, names.end());
  reading_->has_more = true;
  reading_bytes_ = 0;
  for (const std::string& name : names) reading_bytes_ += sizeof(std::string) + name.size();
}

void DirectoryListing::finish_names() {
  if (const std::uint64_t left_out = std::exchange(left_out_, 0); left_out > 0)
    root_->log.warn("file names left out", {field("directory", work_.name), field("n", left_out),
                                            field("example", example_), field("why", "not UTF-8")});
  std::ranges::sort(reading_->names);
  names_ = std::exchange(reading_, nullptr);
  next_ = 0;
  if (now_ns_() - identity_.ctime_ns >= kSettledNs) cache_.put(names_);
}

// ---- The page ----

// True: it is complete.
bool DirectoryListing::look_at_names() {
  for (std::size_t i = 0; i < kSliceEntries; ++i, ++next_) {
    if (next_ == names_->names.size()) {
      if (!names_->has_more) return true;
      begin_names(std::string(names_->names.back()));
      return false;
    }
    const std::string& name = names_->names[next_];
    if (!is_servable_name(name, root_->rules.hidden)) continue;
    const auto found = status_of_entry(name);
    if (!found) continue;
    const std::size_t bytes = listed_bytes(name);
    const bool is_full = page_.entries.size() == page_entries_max(work_.entries_max) ||
                         (!page_.entries.empty() && page_bytes_ + bytes > kFilePageBytesMax);
    if (is_full) {
      page_.more = true;
      return true;
    }
    page_bytes_ += bytes;
    page_.entries.push_back({found->kind, found->identity.size, found->identity.mtime_ns, name});
  }
  return false;
}

// As a client sees it: a symlink that may be followed is the file it leads to. One that leads to a
// directory in which it is does not exist, because whoever enters it never comes to an end.
tl::expected<FileStatus, RequestError> DirectoryListing::status_of_entry(const std::string& name) {
  struct stat status {};
  const std::string path = work_.name.empty() ? name : work_.name + '/' + name;
  if (::fstatat(::dirfd(directory_.get()), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return tl::unexpected(report_disk_error(root_->log, path, "stat", errno));
  if (!S_ISLNK(status.st_mode)) return status_in(status);
  if (!root_->rules.symlinks) return tl::unexpected(RequestError::no_such_file);
  const Descriptor target =
      open_beneath(root_->descriptor.get(), path, OpenMode::read, root_->rules);
  if (!target) return tl::unexpected(report_disk_error(root_->log, path, "open", errno));
  auto found = status_of(*root_, path, target.get());
  if (found && found->kind == FileKind::directory && is_within(found->identity))
    return tl::unexpected(RequestError::no_such_file);
  return found;
}

// Whether the directory that is listed is this one, or lies in it on the way that its name leads.
bool DirectoryListing::is_within(const FileIdentity& directory) {
  if (way_.empty()) {
    way_.emplace_back(identity_.device, identity_.inode);
    for (std::size_t end = work_.name.size(); end > 0;) {
      end = work_.name.rfind('/', end - 1);
      if (end == std::string::npos) end = 0;
      const std::string above = work_.name.substr(0, end);
      const Descriptor opened =
          open_beneath(root_->descriptor.get(), above, OpenMode::directory, root_->rules);
      struct stat found {};
      if (opened && ::fstat(opened.get(), &found) == 0)
        way_.emplace_back(found.st_dev, found.st_ino);
    }
  }
  return std::ranges::find(way_, std::pair(directory.device, directory.inode)) != way_.end();
}

}  // namespace fairlead
