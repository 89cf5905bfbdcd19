#include "client/api/client_shard.hpp"

#include "client/api/connection.hpp"

namespace fairlead {

void ShardTimer::set(TimePoint at) { shard_.wheel().schedule(*this, at); }

void ClientShard::on_timer() {
  wheel_.advance(now_, [](WheelEntry& entry) { static_cast<ShardTimer&>(entry).ring_(); });
}

bool ClientShard::end_turn() {
  // A flush can fail, and its observer then do anything: the list may grow and shrink meanwhile.
  while (!dirty_.empty()) {
    ServerConnection* const connection = dirty_.back();
    dirty_.pop_back();
    connection->flush_at_end();
  }
  retired_.clear();
  return false;
}

}  // namespace fairlead
