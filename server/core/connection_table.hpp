// Every connection of one shard, by slot.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "server/core/connection.hpp"

namespace fairlead {

// Owns the connections. Slots are reused, last freed first, so that the table stays as small as the
// busiest moment needed.
class ConnectionTable {
 public:
  std::uint32_t reserve_slot();  // put() or free() follows
  Connection& put(std::uint32_t slot, std::unique_ptr<Connection> connection);
  void free(std::uint32_t slot);

  std::size_t size() const noexcept { return slots_.size() - free_.size(); }
  std::size_t capacity() const noexcept { return slots_.capacity(); }

  Connection& at(std::uint32_t slot) noexcept { return *slots_[slot]; }

  // The first connection at or behind `slot`, which is then the one behind it; null: there is none.
  Connection* next(std::uint32_t& slot) noexcept {
    while (slot < slots_.size()) {
      if (Connection* found = slots_[slot++].get()) return found;
    }
    return nullptr;
  }

  // Calls visit(Connection&) for each; the visit may close connections but neither add nor free
  // one.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (const auto& connection : slots_) {
      if (connection) visit(*connection);
    }
  }

 private:
  std::vector<std::unique_ptr<Connection>> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace fairlead
