// Every session of one shard, by slot.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "server/core/session.hpp"

namespace fairlead {

// Owns the sessions. Slots are reused, last freed first, so that the table stays as small as the
// busiest moment needed.
class SessionTable {
 public:
  std::uint32_t reserve_slot();  // put() or free() follows
  Session& put(std::uint32_t slot, std::unique_ptr<Session> session);
  void free(std::uint32_t slot);

  std::size_t size() const noexcept { return slots_.size() - free_.size(); }
  std::size_t capacity() const noexcept { return slots_.capacity(); }

  Session& at(std::uint32_t slot) noexcept { return *slots_[slot]; }

  // The first session at or behind `slot`, which is then the one behind it; null: there is none.
  Session* next(std::uint32_t& slot) noexcept {
    while (slot < slots_.size()) {
      if (Session* found = slots_[slot++].get()) return found;
    }
    return nullptr;
  }

  // Calls visit(Session&) for each; the visit may close sessions but neither add nor free one.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (const auto& session : slots_) {
      if (session) visit(*session);
    }
  }

 private:
  std::vector<std::unique_ptr<Session>> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace fairlead
