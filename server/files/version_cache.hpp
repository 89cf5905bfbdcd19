// What was read of files and directories recently, by their version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/protocol/file_frames.hpp"

namespace fairlead {

// What has changed less than so long ago may change once more within the same tick of the clock of
// the files' time stamps, and look the same: it is not kept.
inline constexpr std::int64_t kSettledNs = 2'000'000'000;

// A least recently used cache, thread-safe. A Value has an `identity` and bytes(). Invariant: the
// sum of bytes() <= bytes_max. An entry is found only for the reader, the number of a connection,
// that it was put for.
template <class Value>
class VersionCache {
 public:
  explicit VersionCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  static constexpr std::uint64_t kAnyReader = 0;

  // Null: not known.
  std::shared_ptr<const Value> find(const FileIdentity& identity,
                                    std::uint64_t reader = kAnyReader) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find({identity, reader});
    if (found == entries_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return order_.front().value;
  }

  // Replaces what was known of that version before.
  void put(std::shared_ptr<const Value> value, std::uint64_t reader = kAnyReader) {
    const std::lock_guard lock(mutex_);
    if (value->bytes() > bytes_max_) return;
    const Key key(value->identity, reader);
    if (const auto before = entries_.find(key); before != entries_.end()) forget(before->second);
    bytes_ += value->bytes();
    order_.push_front({key, std::move(value)});
    entries_.emplace(key, order_.begin());
    while (bytes_ > bytes_max_) forget(std::prev(order_.end()));
  }

 private:
  using Key = std::pair<FileIdentity, std::uint64_t>;
  struct Entry {
    Key key;
    std::shared_ptr<const Value> value;
  };
  using Order = std::list<Entry>;

  void forget(typename Order::iterator entry) {
    bytes_ -= entry->value->bytes();
    entries_.erase(entry->key);
    order_.erase(entry);
  }

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  Order order_;  // the most recently used first
  std::map<Key, typename Order::iterator> entries_;
};

// The hashes of one version of one file: of the whole, and of each chunk.
struct HashedFile {
  FileIdentity identity;
  Sha256Digest whole{};
  std::vector<Sha256Digest> chunks;

  std::size_t bytes() const noexcept { return sizeof *this + chunks.size() * sizeof chunks[0]; }
};
using HashCache = VersionCache<HashedFile>;

// Names of one version of one directory, in order: the first ones behind `after`, whatever they
// are names of.
struct ListedNames {
  FileIdentity identity;
  std::string after;
  std::vector<std::string> names;
  bool has_more = false;  // behind the last one

  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof *this;
    for (const std::string& name : names) sum += sizeof(std::string) + name.capacity();
    return sum;
  }
};
using NamesCache = VersionCache<ListedNames>;

}  // namespace fairlead
