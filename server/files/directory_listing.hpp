// A page of a directory's entries, worked out a slice at a time, so that a name that is looked up
// does not wait for large directories.
#pragma once

#include <dirent.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/files/file_jobs.hpp"

namespace fairlead {

// One request for a page. The names are read once for many pages: they are kept, in order, as long
// as the directory has not changed. Memory is bounded: of a directory with more names than
// kNamesBytesMax holds, the next ones are read when the page comes that wants them. Used on one
// thread at a time; the cache outlives it.
class DirectoryListing {
 public:
  // Entries that one step reads or looks at.
  static constexpr std::size_t kSliceEntries = 2048;
  static constexpr std::size_t kNamesBytesMax = 8 * 1024 * 1024;

  // `now_ns` is the time by the clock of the files' time stamps: a directory that was changed less
  // than 2 s ago may change once more within the same tick, so its names are not kept.
  DirectoryListing(std::shared_ptr<const ServedRoot> root, NamesCache& cache, ListDirectory work,
                   std::function<std::int64_t()> now_ns,
                   std::size_t names_bytes_max = kNamesBytesMax)
      : root_(std::move(root)),
        cache_(cache),
        work_(std::move(work)),
        now_ns_(std::move(now_ns)),
        names_bytes_max_(names_bytes_max) {}

  // Nothing: there is more to do; call it again.
  std::optional<FileAnswer> step();

 private:
  struct CloseDirectory {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };

  RequestError open();
  void begin_names(const std::string& after);
  RequestError read_names();
  void drop_last_names();
  void finish_names();
  bool look_at_names();
  tl::expected<FileStatus, RequestError> status_of_entry(const std::string& name);
  bool is_within(const FileIdentity& directory);

  const std::shared_ptr<const ServedRoot> root_;
  NamesCache& cache_;
  const ListDirectory work_;
  const std::function<std::int64_t()> now_ns_;
  const std::size_t names_bytes_max_;

  std::unique_ptr<DIR, CloseDirectory> directory_;
  FileIdentity identity_;
  std::shared_ptr<ListedNames> reading_;      // while the directory is read
  std::size_t reading_bytes_ = 0;             // of its names
  std::uint64_t left_out_ = 0;                // entries whose names are not UTF-8
  std::string example_;                       // the first of these
  std::shared_ptr<const ListedNames> names_;  // then
  std::size_t next_ = 0;                      // of names_ to look at
  std::size_t page_bytes_ = 0;
  FileListing page_;
  // Device and inode of the directory and of those on the way to it; empty until they are asked
  // for.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> way_;
};

}  // namespace fairlead
