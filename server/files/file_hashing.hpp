// The hashes of a file, worked out a slice at a time, so that a short file does not wait for long
// ones.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "common/hash/sha256.hpp"
#include "common/protocol/limits.hpp"
#include "server/files/file_jobs.hpp"

namespace fairlead {

// One request for hashes. Used on one thread at a time; the cache outlives it.
class FileHashing {
 public:
  // What one step reads at most: some 10 ms of a processor that has instructions for SHA-256.
  static constexpr std::uint64_t kSliceBytes = 4 * kFileChunkBytes;

  // `now_ns` is the time by the clock of the files' time stamps: a file that was changed less than
  // 2 s ago may change once more within the same tick of that clock, so its hashes are kept only
  // for the reader that still has to ask for its next page.
  FileHashing(std::shared_ptr<const ServedRoot> root, HashCache& cache, HashFile work,
              std::function<std::int64_t()> now_ns)
      : root_(std::move(root)), cache_(cache), work_(std::move(work)), now_ns_(std::move(now_ns)) {}

  // Nothing: there is more to read; call it again.
  std::optional<FileAnswer> step();

 private:
  std::optional<FileAnswer> open();
  RequestError read_slice();
  FileAnswer finish();

  const std::shared_ptr<const ServedRoot> root_;
  HashCache& cache_;
  const HashFile work_;
  const std::function<std::int64_t()> now_ns_;

  std::optional<OpenedFile> file_;  // from the first step on
  std::shared_ptr<HashedFile> hashed_;
  Sha256 whole_;
  std::uint64_t read_bytes_ = 0;
};

}  // namespace fairlead
