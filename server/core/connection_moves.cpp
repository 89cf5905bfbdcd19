// How a connection goes to another process, and how it begins there (docs/decisions/0016).
#include <algorithm>
#include <utility>

#include "server/core/connection.hpp"
#include "server/handover/state.hpp"

namespace fairlead {
namespace {

static_assert(static_cast<int>(ListenerProtocol::automatic) == 0 &&
              static_cast<int>(ListenerProtocol::text) == 1 &&
              static_cast<int>(ListenerProtocol::len32) == 2 &&
              static_cast<int>(ListenerProtocol::framed) == 3);

}  // namespace

// ---- In the old process ----

bool Connection::begin_move() {
  const bool is_settled = is_open() && may_queue() && reason_ == CloseReason::none &&
                          evicted_for_ == CloseReason::none && !is_staying_;
  if (!is_settled || stream_->descriptor() < 0) return false;
  if (!conversation_->can_move() || carried_bytes() > kCarriedBytesMax) return false;
  guarded([this] {
    stage_ = Stage::moving;
    is_halted_ = false;
    account();
    stream_->halt();
  });
  return true;
}

void Connection::on_halted() { is_halted_ = is_moving(); }

// It goes on here: it is wanted here, or something has come before it was halted.
void Connection::end_move() {
  if (!is_moving()) return;
  stage_ = Stage::open;
  stream_->resume();
  conversation_->on_stayed();
  mark_dirty();
}

SessionState Connection::save() const {
  SessionState state;
  state.id = id_;
  state.listener = listener().name;
  state.listener_protocol = static_cast<std::uint8_t>(listener().protocol);
  state.peer = peer_;
  state.age = context_.now - started_;
  state.since_activity = context_.now - last_activity_;
  state.bytes_in = bytes_in_;
  state.bytes_out = output_.written_bytes();
  state.messages_in = messages_in_;
  state.messages_out = messages_out_;
  output_.append_unsent(state.output);
  if (write_blocked_since_ != kNever)
    state.blocked = {context_.now - write_blocked_since_, unacknowledged_bytes_};
  conversation_->save(state);
  return state;
}

void Connection::stay(bool for_good) {
  if (!is_ready_to_move()) return;
  guarded([this, for_good] {
    is_staying_ = for_good;
    end_move();
  });
}

void Connection::leave() {
  if (!is_ready_to_move()) return;
  is_handed_over_ = is_counted_ = true;
  stage_ = Stage::closed;
  conversation_->on_moved();
  conversation_->forget_input();
  context_.wheel.cancel(*this);
  stream_->terminate(TerminateManner::leave);
}

// ---- In the new one ----

Connection::Connection(ShardContext& context, std::unique_ptr<ByteStream> stream,
                       OfferSnapshot offer, const SessionState& state, std::uint32_t slot,
                       AdmissionUnit unit)
    : context_(context),
      offer_(std::move(offer)),
      stream_(std::move(stream)),
      output_(context.pool),
      last_activity_(context.now - state.since_activity),
      bytes_in_(state.bytes_in),
      messages_in_(state.messages_in),
      messages_out_(state.messages_out),
      slot_(slot),
      peer_(state.peer),
      id_(state.id),
      started_(context.now - state.age),
      admission_(std::move(unit)) {
  output_.go_on_with(state.output, state.bytes_out);
  if (state.blocked) {
    write_blocked_since_ = context.now - state.blocked->since;
    unacknowledged_bytes_ = state.blocked->unacknowledged_bytes;
  }
  conversation_ = context.begin_conversation(*this, &state);
}

void Connection::go_on(const SessionState& state) {
  guarded([this, &state] {
    stream_->start(*this);
    if (!is_open()) return;  // it has failed at once
    conversation_->on_taken_over(state);
    mark_dirty();
  });
}

}  // namespace fairlead
