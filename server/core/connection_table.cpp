#include "server/core/connection_table.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace fairlead {

std::uint32_t ConnectionTable::reserve_slot() {
  if (!free_.empty()) {
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  // What can fail comes first, and makes room so that free() never has to.
  if (slots_.size() == slots_.capacity())
    slots_.reserve(std::max<std::size_t>(16, 2 * slots_.size()));
  free_.reserve(slots_.capacity());
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

Connection& ConnectionTable::put(std::uint32_t slot, std::unique_ptr<Connection> connection) {
  FAIRLEAD_CHECK(slots_[slot] == nullptr);
  slots_[slot] = std::move(connection);
  return *slots_[slot];
}

void ConnectionTable::free(std::uint32_t slot) {
  slots_[slot].reset();
  free_.push_back(slot);
}

}  // namespace fairlead
