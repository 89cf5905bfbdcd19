// The folder that is served, as its path leads now: a deploy swaps a symbolic link, a disk is
// mounted late.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "server/files/file_jobs.hpp"

namespace fairlead {

// Shared by all shards; thread-safe. What it calls may wait for a disk. That the path leads nowhere
// is logged once, and so is that it leads somewhere again.
class RootFolder {
 public:
  // The log outlives it.
  RootFolder(std::string path, const Confinement& rules, LogSink& log)
      : path_(std::move(path)), rules_(rules), log_(log) {}

  // What is asked for next is looked for in this. A path that leads nowhere is no_such_file.
  // Whoever works with an earlier root keeps it.
  tl::expected<std::shared_ptr<const ServedRoot>, RequestError> now();

 private:
  RequestError refuse(int error);

  const std::string path_;
  const Confinement rules_;
  LogSink& log_;
  std::mutex mutex_;  // for what follows
  std::shared_ptr<const ServedRoot> root_;
  bool is_reported_ = false;  // as not served
};

}  // namespace fairlead
