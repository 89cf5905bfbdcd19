#include "server/files/hash_cache.hpp"

#include <utility>

namespace fairlead {

std::shared_ptr<const HashedFile> HashCache::find(const FileIdentity& identity) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(identity);
  if (found == known_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return order_.front();
}

void HashCache::put(std::shared_ptr<const HashedFile> hashed) {
  const std::lock_guard lock(mutex_);
  if (hashed->bytes() > bytes_max_ || known_.contains(hashed->identity)) return;
  bytes_ += hashed->bytes();
  order_.push_front(std::move(hashed));
  known_.emplace(order_.front()->identity, order_.begin());
  while (bytes_ > bytes_max_) {
    bytes_ -= order_.back()->bytes();
    known_.erase(order_.back()->identity);
    order_.pop_back();
  }
}

}  // namespace fairlead
