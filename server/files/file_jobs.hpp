// The jobs of the file pool, which may wait for a disk: plain functions of a root and a request,
// run on one of the pool's threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>

#include "common/log/log_sink.hpp"
#include "server/api/file_store.hpp"
#include "server/files/beneath.hpp"
#include "server/files/hash_cache.hpp"

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
tl::expected<OpenedFile, RequestError> open_file(const ServedRoot& root, const std::string& name);

FileAnswer look_at(const ServedRoot& root, const LookAt& work);
FileAnswer list_directory(const ServedRoot& root, const ListDirectory& work);

// Stops between two chunks when `is_given_up`. `now_ns` is the time by the clock of the files' time
// stamps: a file that was changed less than 2 s ago may change once more within the same tick of
// that clock, so its hashes are kept only for the reader that still has to ask for its next page.
FileAnswer hash_file(const ServedRoot& root, HashCache& cache, const HashFile& work,
                     const std::function<std::int64_t()>& now_ns,
                     const std::function<bool()>& is_given_up);

}  // namespace fairlead
