#include "server/files/hash_cache.hpp"

namespace fairlead {

std::shared_ptr<const HashedFile> HashCache::find(const FileIdentity& identity,
                                                  std::uint64_t reader) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find({identity, reader});
  if (found == entries_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return order_.front().hashed;
}

void HashCache::put(std::shared_ptr<const HashedFile> hashed, std::uint64_t reader) {
  const std::lock_guard lock(mutex_);
  if (hashed->bytes() > bytes_max_) return;
  const Key key(hashed->identity, reader);
  if (const auto before = entries_.find(key); before != entries_.end()) forget(before->second);
  bytes_ += hashed->bytes();
  order_.push_front({key, std::move(hashed)});
  entries_.emplace(key, order_.begin());
  while (bytes_ > bytes_max_) forget(std::prev(order_.end()));
}

void HashCache::forget(Order::iterator entry) {
  bytes_ -= entry->hashed->bytes();
  entries_.erase(entry->key);
  order_.erase(entry);
}

}  // namespace fairlead
