// Hashes of files that were read recently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "common/protocol/file_frames.hpp"

namespace fairlead {

// The hashes of one version of one file: of the whole, and of each chunk.
struct HashedFile {
  FileIdentity identity;
  Sha256Digest whole{};
  std::vector<Sha256Digest> chunks;

  std::size_t bytes() const noexcept { return sizeof *this + chunks.size() * sizeof chunks[0]; }
};

// A least recently used cache, thread-safe. Invariant: the sum of bytes() <= bytes_max. An entry is
// found only for the reader, the number of a connection, that it was put for.
class HashCache {
 public:
  // 2 TiB of files, or a quarter of a million small ones.
  explicit HashCache(std::size_t bytes_max = 64 * 1024 * 1024) : bytes_max_(bytes_max) {}

  static constexpr std::uint64_t kAnyReader = 0;

  // Null: not known.
  std::shared_ptr<const HashedFile> find(const FileIdentity& identity,
                                         std::uint64_t reader = kAnyReader);
  // Replaces what was known of that version before.
  void put(std::shared_ptr<const HashedFile> hashed, std::uint64_t reader = kAnyReader);

 private:
  using Key = std::pair<FileIdentity, std::uint64_t>;
  struct Entry {
    Key key;
    std::shared_ptr<const HashedFile> hashed;
  };
  using Order = std::list<Entry>;

  void forget(Order::iterator entry);

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  Order order_;  // the most recently used first
  std::map<Key, Order::iterator> entries_;
};

}  // namespace fairlead
