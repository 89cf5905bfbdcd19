#include "server/files/file_jobs.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/protocol/limits.hpp"
#include "server/files/disk_error.hpp"

namespace fairlead {
namespace {

// Of the call that has just failed.
tl::unexpected<RequestError> failed(const ServedRoot& root, const std::string& name,
                                    const char* doing) {
  return tl::unexpected(report_disk_error(root.log, name, doing, errno));
}

}  // namespace

tl::expected<FileStatus, RequestError> status_in(const struct stat& status) {
  if (S_ISREG(status.st_mode)) return FileStatus{FileKind::file, identity_of(status)};
  if (S_ISDIR(status.st_mode)) return FileStatus{FileKind::directory, identity_of(status)};
  return tl::unexpected(RequestError::no_such_file);
}

tl::expected<FileStatus, RequestError> status_of(const ServedRoot& root, const std::string& name,
                                                 int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return failed(root, name, "fstat");
  return status_in(status);
}

tl::expected<Descriptor, RequestError> open_in(const ServedRoot& root, const std::string& name,
                                               OpenMode mode, NameForm form) {
  if (!name.empty() && !is_servable_name(name, root.rules.hidden, form))
    return tl::unexpected(RequestError::no_such_file);
  Descriptor opened = open_beneath(root.descriptor.get(), name, mode, root.rules);
  if (!opened) return failed(root, name, "open");
  return opened;
}

std::size_t page_entries_max(std::size_t wanted) noexcept {
  return wanted == 0 ? kFilePageEntriesMax : std::min(wanted, kFilePageEntriesMax);
}

tl::expected<OpenedFile, RequestError> open_file(const ServedRoot& root, const std::string& name,
                                                 NameForm form) {
  auto opened = open_in(root, name, OpenMode::read, form);
  if (!opened) return tl::unexpected(opened.error());
  const auto found = status_of(root, name, opened->get());
  if (!found) return tl::unexpected(found.error());
  if (found->kind != FileKind::file) return tl::unexpected(RequestError::no_such_file);
  return OpenedFile{std::move(*opened), found->identity, name};
}

FileAnswer stat_file(const ServedRoot& root, const StatFile& work) {
  const auto opened = open_in(root, work.name, OpenMode::read);
  if (!opened) return opened.error();
  const auto found = status_of(root, work.name, opened->get());
  if (!found) return found.error();
  return *found;
}

}  // namespace fairlead
