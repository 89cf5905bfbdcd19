// The sessions of a shard that go to another process (docs/decisions/0016).
#include <algorithm>
#include <new>
#include <utility>

#include "server/core/shard.hpp"

namespace fairlead {

// ---- Out ----

void Shard::begin_walk() {
  walk_slot_ = 0;
  has_walk_found_any_ = false;
  if (std::exchange(has_refused_any_, false))
    table_.for_each([](Connection& connection) { connection.ask_again(); });
}

void Shard::begin_moves(std::size_t sessions_max,
                        std::function<void(std::vector<Departing>)> done) {
  tell_moves_ = std::move(done);
  moves_max_ = sessions_max;
  moving_.clear();
  try {
    moving_.reserve(std::min(sessions_max, table_.size()));
  } catch (const std::bad_alloc&) {
    return;  // nobody goes
  }
  if (stopping_ || halt_some() > 0) return;
  // Somebody who was busy may have become free while the others went.
  walk_slot_ = 0;
  if (std::exchange(has_walk_found_any_, false) && halt_some() > 0) return;
  // Nobody; later there may be somebody again.
  walk_slot_ = 0;
}

// From where the last one stopped. How many.
std::size_t Shard::halt_some() {
  std::size_t bytes = 0;
  while (moving_.size() < moves_max_ && bytes < kBatchBytes) {
    Connection* const next = table_.next(walk_slot_);
    if (next == nullptr) break;
    if (!next->begin_move()) continue;
    moving_.push_back({next->slot(), next->id()});
    bytes += next->carried_bytes();
  }
  if (!moving_.empty()) has_walk_found_any_ = true;
  return moving_.size();
}

Connection* Shard::find(const Moving& moving) noexcept {
  std::uint32_t slot = moving.slot;
  Connection* const found = table_.next(slot);
  return found != nullptr && found->id() == moving.id ? found : nullptr;
}

// At the end of a turn, once each is either ready or no longer on its way.
void Shard::report_moves() {
  const auto is_halting = [this](const Moving& moving) {
    const Connection* const connection = find(moving);
    return connection != nullptr && connection->is_moving() && !connection->is_ready_to_move();
  };
  if (!tell_moves_ || std::ranges::any_of(moving_, is_halting)) return;
  const bool were_any = !moving_.empty();
  std::erase_if(moving_, [this](const Moving& moving) {
    const Connection* const connection = find(moving);
    return connection == nullptr || !connection->is_ready_to_move();
  });
  auto tell = std::exchange(tell_moves_, nullptr);
  std::vector<Departing> ready = saved();
  if (!ready.empty() || !were_any) return tell(std::move(ready));
  // Each has had something to do before it was halted; the walk goes on.
  begin_moves(moves_max_, std::move(tell));
  report_moves();
}

// Without memory for their records, they stay.
std::vector<Departing> Shard::saved() {
  std::vector<Departing> departing;
  try {
    for (const Moving& moving : moving_) {
      Connection& connection = *find(moving);
      departing.push_back({moving.id, connection.descriptor(), {}});
      append_fields(departing.back().record, connection.save());
    }
  } catch (const std::bad_alloc&) {
    for (const Moving& moving : moving_) find(moving)->stay(true);
    departing.clear();
    moving_.clear();
  }
  return departing;
}

void Shard::end_moves(const std::vector<Departed>& fates) {
  for (const Departed& departed : fates) {
    const auto moving = std::ranges::find(moving_, departed.id, &Moving::id);
    if (moving == moving_.end()) continue;
    has_refused_any_ |= departed.fate == Departed::Fate::refused;
    if (Connection* const connection = find(*moving)) {
      departed.fate == Departed::Fate::taken
          ? connection->leave()
          : connection->stay(departed.fate == Departed::Fate::refused);
    }
    moving_.erase(moving);
  }
}

// ---- In ----

HandoverRefusal judge_place(const SessionState& session, const ServerSettings& settings) {
  const ListenerSettings* const listener = settings.listener_named(session.listener);
  if (listener == nullptr) return HandoverRefusal::no_listener;
  const auto speaks = [listener](ListenerProtocol protocol) {
    return listener->protocol == ListenerProtocol::automatic || listener->protocol == protocol;
  };
  bool is_spoken = false;
  switch (session.protocol) {
    case SessionState::Protocol::undecided:
      is_spoken = session.listener_protocol == static_cast<std::uint8_t>(listener->protocol);
      break;
    case SessionState::Protocol::text:
      is_spoken = speaks(ListenerProtocol::text);
      break;
    case SessionState::Protocol::len32:
      is_spoken = speaks(ListenerProtocol::len32);
      break;
    case SessionState::Protocol::framed:
      is_spoken = speaks(ListenerProtocol::framed);
      break;
  }
  if (!is_spoken) return HandoverRefusal::no_listener;
  for (const ChannelState& channel : session.channels) {
    const ServiceSettings* const service = settings.service_named(channel.service);
    if (service == nullptr || service->type != channel.type) return HandoverRefusal::no_service;
  }
  if (settings.message_bytes_max(*listener) < session.message_bytes_max)
    return HandoverRefusal::smaller_limit;
  return HandoverRefusal::none;
}

}  // namespace fairlead
