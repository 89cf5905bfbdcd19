#include "server/files/file_jobs.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "common/protocol/limits.hpp"
#include "common/text/encoding.hpp"
#include "server/files/disk_error.hpp"

namespace fairlead {
namespace {

using Found = tl::expected<FileStatus, RequestError>;

// What is neither a regular file nor a directory is not served.
Found found_in(const struct stat& status) {
  if (S_ISREG(status.st_mode)) return FileStatus{FileKind::file, identity_of(status)};
  if (S_ISDIR(status.st_mode)) return FileStatus{FileKind::directory, identity_of(status)};
  return tl::unexpected(RequestError::no_such_file);
}

// Of the call that has just failed.
tl::unexpected<RequestError> failed(const ServedRoot& root, const std::string& name,
                                    const char* doing) {
  return tl::unexpected(judged(root.log, name, doing, errno));
}

Found look_at(const ServedRoot& root, const std::string& name, int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return failed(root, name, "fstat");
  return found_in(status);
}

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

// Null: errno says why.
std::unique_ptr<DIR, CloseDirectory> directory_of(Descriptor opened) {
  std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(opened.get()));
  if (stream) opened.release();
  return stream;
}

// A directory entry as a client sees it: a symlink that may be followed is the file it leads to.
Found judge(const ServedRoot& root, const ListDirectory& work, int directory,
            const std::string& name) {
  struct stat status {};
  const std::string path = work.name.empty() ? name : work.name + '/' + name;
  if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return failed(root, path, "stat");
  if (!S_ISLNK(status.st_mode)) return found_in(status);
  if (!root.rules.symlinks) return tl::unexpected(RequestError::no_such_file);
  const Descriptor target = open_beneath(root.descriptor.get(), path, OpenMode::read, root.rules);
  if (!target) return failed(root, path, "open");
  return look_at(root, path, target.get());
}

// The empty name is the root itself.
tl::expected<Descriptor, RequestError> open_in(const ServedRoot& root, const std::string& name,
                                               OpenMode mode) {
  if (!name.empty() && !is_servable_name(name, root.rules.hidden))
    return tl::unexpected(RequestError::no_such_file);
  Descriptor opened = open_beneath(root.descriptor.get(), name, mode, root.rules);
  if (!opened) return failed(root, name, "open");
  return opened;
}

}  // namespace

std::size_t page_entries_max(std::size_t wanted) noexcept {
  return wanted == 0 ? kFilePageEntriesMax : std::min(wanted, kFilePageEntriesMax);
}

tl::expected<OpenedFile, RequestError> open_file(const ServedRoot& root, const std::string& name) {
  auto opened = open_in(root, name, OpenMode::read);
  if (!opened) return tl::unexpected(opened.error());
  const Found found = look_at(root, name, opened->get());
  if (!found) return tl::unexpected(found.error());
  if (found->kind != FileKind::file) return tl::unexpected(RequestError::no_such_file);
  return OpenedFile{std::move(*opened), found->identity, name};
}

FileAnswer look_at(const ServedRoot& root, const LookAt& work) {
  const auto opened = open_in(root, work.name, OpenMode::read);
  if (!opened) return opened.error();
  const Found found = look_at(root, work.name, opened->get());
  if (!found) return found.error();
  return *found;
}

// Keeps the smallest names behind `after`, as many as a page holds, so that memory does not grow
// with the directory.
FileAnswer list_directory(const ServedRoot& root, const ListDirectory& work) {
  auto opened = open_in(root, work.name, OpenMode::directory);
  if (!opened) return opened.error();
  const auto directory = directory_of(std::move(*opened));
  if (!directory) return judged(root.log, work.name, "list", errno);

  const std::size_t page_max = page_entries_max(work.entries_max);
  std::map<std::string, FileStatus> page;
  std::size_t bytes = 0;
  FileListing listing;
  for (;;) {
    errno = 0;  // the end of a directory leaves it as it is (readdir(3))
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr && errno != 0) return judged(root.log, work.name, "list", errno);
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name <= work.after || !is_servable_name(name, root.rules.hidden)) continue;
    const auto is_full = [&] {
      return page.size() > page_max || (page.size() > 1 && bytes > kFilePageBytesMax);
    };
    if (listing.more && name > page.rbegin()->first) continue;
    const auto found = judge(root, work, ::dirfd(directory.get()), name);
    if (!found || !page.emplace(name, *found).second) continue;
    bytes += listed_bytes(name);
    while (is_full()) {
      const auto last = std::prev(page.end());
      bytes -= listed_bytes(last->first);
      page.erase(last);
      listing.more = true;
    }
  }
  for (const auto& [name, found] : page)
    listing.entries.push_back({found.kind, found.identity.size, found.identity.mtime_ns, name});
  return listing;
}

}  // namespace fairlead
