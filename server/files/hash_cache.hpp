// Hashes of files that were read lately.
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

// Of one version of one file: as a whole, and of each chunk of it.
struct HashedFile {
  FileIdentity identity;
  Sha256Digest whole{};
  std::vector<Sha256Digest> chunks;

  std::size_t bytes() const noexcept { return sizeof *this + chunks.size() * sizeof chunks[0]; }
};

// Thread-safe. Keeps what was used last. Invariant: the sum of bytes() <= bytes_max. A reader is a
// connection by its number: what is known to one is told to no other.
class HashCache {
 public:
  // 2 TiB of files, or a quarter of a million small ones.
  explicit HashCache(std::size_t bytes_max = 64 * 1024 * 1024) : bytes_max_(bytes_max) {}

  static constexpr std::uint64_t kEverybody = 0;

  // Null: not known.
  std::shared_ptr<const HashedFile> find(const FileIdentity& identity,
                                         std::uint64_t reader = kEverybody);
  // In place of what was known of that version before.
  void put(std::shared_ptr<const HashedFile> hashed, std::uint64_t reader = kEverybody);

 private:
  using Key = std::pair<FileIdentity, std::uint64_t>;
  struct Known {
    Key key;
    std::shared_ptr<const HashedFile> hashed;
  };
  using Order = std::list<Known>;

  void forget(Order::iterator known);

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  Order order_;  // the one used last is first
  std::map<Key, Order::iterator> known_;
};

}  // namespace fairlead
