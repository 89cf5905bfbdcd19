#include "server/files/hash_cache.hpp"

namespace fairlead {

std::shared_ptr<const HashedFile> HashCache::find(const FileIdentity& identity,
                                                  std::uint64_t reader) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find({identity, reader});
  if (found == known_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return order_.front().hashed;
}

void HashCache::put(std::shared_ptr<const HashedFile> hashed, std::uint64_t reader) {
  const std::lock_guard lock(mutex_);
  if (hashed->bytes() > bytes_max_) return;
  const Key key(hashed->identity, reader);
  if (const auto before = known_.find(key); before != known_.end()) forget(before->second);
  bytes_ += hashed->bytes();
  order_.push_front({key, std::move(hashed)});
  known_.emplace(key, order_.begin());
  while (bytes_ > bytes_max_) forget(std::prev(order_.end()));
}

void HashCache::forget(Order::iterator known) {
  bytes_ -= known->hashed->bytes();
  known_.erase(known->key);
  order_.erase(known);
}

}  // namespace fairlead
