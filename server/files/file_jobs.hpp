// The jobs of the file pool, which may wait for a disk: plain functions of a root and a request,
// run on one of the pool's threads.
#pragma once

#include <cstddef>
#include <string>
#include <tl/expected.hpp>

#include "common/log/log_sink.hpp"
#include "server/api/file_store.hpp"
#include "server/files/beneath.hpp"
#include "server/files/version_cache.hpp"

namespace fairlead {

// Immutable; shared by a store and its jobs, because a job may outlive its store.
struct ServedRoot {
  Descriptor descriptor;
  Confinement rules;
  LogSink& log;  // outlives every job
};

// A regular file, opened, and what it was then.
struct OpenedFile {
  Descriptor descriptor;
  FileIdentity identity;
  std::string name;
};

// Failures are told as disk_error.hpp says.
tl::expected<OpenedFile, RequestError> open_file(const ServedRoot& root, const std::string& name,
                                                 NameForm form = NameForm::utf8);

// The empty name is the root itself.
tl::expected<Descriptor, RequestError> open_in(const ServedRoot& root, const std::string& name,
                                               OpenMode mode, NameForm form = NameForm::utf8);

// What is neither a regular file nor a directory is not served.
tl::expected<FileStatus, RequestError> status_in(const struct stat& status);
// `name`: what the descriptor was opened by, for the log.
tl::expected<FileStatus, RequestError> status_of(const ServedRoot& root, const std::string& name,
                                                 int descriptor);

FileAnswer stat_file(const ServedRoot& root, const StatFile& work);

// The entries of a page: as many as are wanted, or as a page has; 0 wants all of a page.
std::size_t page_entries_max(std::size_t wanted) noexcept;

}  // namespace fairlead
