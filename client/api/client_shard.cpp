#include "client/api/client_shard.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {

void ShardTimer::set(TimePoint at) { shard_.wheel().schedule(*this, at); }

void ClientShard::flush_later(Transport& transport) {
  // A turn of a client concerns one transport, nearly always.
  if (dirty_.empty() || dirty_.back() != &transport) dirty_.push_back(&transport);
}

void ClientShard::retire(std::unique_ptr<Transport> transport) {
  std::erase(dirty_, transport.get());
  retired_.push_back(std::move(transport));
}

void ClientShard::on_timer() {
  wheel_.advance(now_, [](WheelEntry& entry) { static_cast<ShardTimer&>(entry).ring_(); });
}

bool ClientShard::end_turn() {
  // A flush can fail, and its observer then do anything: the list may grow and shrink meanwhile.
  while (!dirty_.empty()) {
    Transport* const transport = dirty_.back();
    dirty_.pop_back();
    transport->flush();
  }
  retired_.clear();
  return false;
}

}  // namespace fairlead
