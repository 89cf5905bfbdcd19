#include "server/conversation/request_conversation.hpp"

#include <utility>

#include "server/handover/state.hpp"

namespace fairlead {
// ---- Requests ----

void RequestConversation::on_bytes(Bytes bytes) {
  last_received_ = connection_.context().now;
  is_probing_pause_ = false;
  receive(bytes);
  end_if_due();
}

void RequestConversation::receive(Bytes in) {
  if (is_leaving()) return;
  if (is_reading_paused()) return mutable_codec().keep(in);
  handled_this_turn_ = 0;
  const std::size_t unread_bytes = codec().kept_bytes() + in.size();
  const bool was_mid_message = codec().mid_message();
  finish_decoding(mutable_codec().feed(in, *this));
  // The message timer restarts whenever a whole frame was consumed, also one that is no request. A
  // skipped frame that is still arriving does not restart it, however it drips.
  const bool has_consumed = codec().kept_bytes() < unread_bytes && !codec().goes_on_skipping();
  if ((has_consumed || !was_mid_message) && codec().mid_message())
    message_since_ = connection_.context().now;
}

Flow RequestConversation::on_frame(const Frame& frame) {
  ++handled_this_turn_;
  on_request(frame);
  if (!connection_.is_open() || awaits_replies()) return Flow::stop;
  if (handled_this_turn_ >= connection_.context().settings->limits.requests_per_turn)
    return Flow::stop;
  return connection_.queued_bytes() > queue_mark() ? Flow::stop : Flow::proceed;
}

void RequestConversation::finish_decoding(const DecodeResult& result) {
  on_decoded();
  if (!connection_.is_open()) return;
  if (result.status == DecodeResult::Status::failed) leave(result.reason, result.problem);
  if (!connection_.is_open()) return;
  if (connection_.queued_bytes() > queue_mark() || awaits_replies())
    return pause_reading(ReadPause::backpressure);
  if (result.status == DecodeResult::Status::stopped) pause_reading(ReadPause::yielded);
}

void RequestConversation::pause_reading(ReadPause why) {
  read_pause_ = why;
  connection_.pause();
  connection_.mark_dirty();  // what is left unread is accounted for
  if (why == ReadPause::backpressure) mutable_codec().trim();
  if (why == ReadPause::yielded) connection_.request_turn();
}

// The client may have shut down its sending side only: it still gets every pending reply.
void RequestConversation::on_end() {
  is_probing_pause_ = false;
  finish_requests();
}

void RequestConversation::finish_requests() {
  if (is_reading_paused()) return;
  handled_this_turn_ = 0;
  finish_decoding(mutable_codec().on_end(*this));
  if (is_reading_paused()) return;
  connection_.close(connection_.has_heard() ? CloseReason::peer_closed
                                            : CloseReason::eof_before_data);
}

// A silence is believed only after a look: the bytes that end it may have arrived by now.
void RequestConversation::on_pause() {
  is_probing_pause_ = true;
  connection_.probe();
}

void RequestConversation::on_silence() {
  const bool was_probing = is_probing_pause_;
  is_probing_pause_ = false;
  if (was_probing && codec().awaits_pause() && !is_reading_paused()) {
    handled_this_turn_ = 0;
    finish_decoding(mutable_codec().on_pause(*this));
  }
  end_if_due();
}

// ---- Whose turn it is ----

// Resuming at half of the mark keeps a slow reader from being paused and resumed for every reply;
// in a turn of its own, because a client that takes everything at once would keep this one for
// itself.
void RequestConversation::on_output() {
  if (channel_wants_turn_ && connection_.has_room()) connection_.request_turn();
  if (read_pause_ != ReadPause::backpressure || awaits_replies()) return;
  if (connection_.queued_bytes() <= queue_mark() / 2) pause_reading(ReadPause::yielded);
}

void RequestConversation::on_turn() {
  if (connection_.has_room()) serve_channel();
  if (!connection_.is_open() || read_pause_ != ReadPause::yielded) return;
  read_pause_ = ReadPause::none;
  if (is_leaving()) return connection_.close(leaving_for_, leaving_problem_);
  // While the client was not read from, it could not finish what it had begun.
  message_since_ = connection_.context().now;
  if (connection_.peer_has_ended()) {
    finish_requests();
  } else {
    receive({});
    if (!is_reading_paused() && connection_.is_open()) connection_.resume();
  }
  end_if_due();
}

// One channel a turn, each in its turn.
void RequestConversation::serve_channel() {
  bool more = false;
  Channel* const channel = next_waiting_channel(more);
  channel_wants_turn_ = more;
  if (channel == nullptr) return;
  channel->take_turn();
  if (channel_wants_turn_) connection_.mark_dirty();
}

void RequestConversation::request_channel_turn() noexcept {
  channel_wants_turn_ = true;
  connection_.mark_dirty();
}

void RequestConversation::drop_pending_replies(std::size_t count) noexcept {
  if (count == 0) return;
  pending_replies_ = static_cast<std::uint16_t>(pending_replies_ - count);
  connection_.touch();
  connection_.mark_dirty();
}

std::uint64_t RequestConversation::queue_mark() const noexcept {
  return connection_.context().settings->limits.queue_soft;
}

std::size_t RequestConversation::unread_memory() const noexcept {
  return is_reading_paused() ? codec().kept_memory() : 0;
}

void RequestConversation::add_clocks(Clocks& clocks) const noexcept {
  // The client can do nothing but wait for us.
  if (pending_replies_ > 0 && connection_.has_room()) clocks.idle_since = kNever;
  if (is_reading_paused() || !codec().mid_message()) return;
  clocks.message_since = message_since_;
  if (codec().awaits_pause() && !is_probing_pause_) clocks.silent_since = last_received_;
}

// ---- The end ----

// The client has ended the conversation, or has broken its rules: what it had asked before is still
// answered, whenever the replies come.
void RequestConversation::leave(CloseReason reason, const char* problem) {
  if (pending_replies_ == 0) return connection_.close(reason, problem);
  leaving_for_ = reason;
  leaving_problem_ = problem;
}

void RequestConversation::on_evict() { connection_.probe(); }

// A drain or an eviction waits until all that had been received is handled.
void RequestConversation::end_if_due() {
  if (!connection_.is_open() || read_pause_ == ReadPause::yielded) return;
  const CloseReason evicted_for = connection_.evicted_for();
  if (evicted_for == CloseReason::none) {
    if (!is_draining() || is_reading_paused()) return;
    if (pending_replies_ > 0) return pause_reading(ReadPause::backpressure);
    return connection_.close(connection_.context().draining_for);
  }
  if (must_reset() || (is_framed() && pending_replies_ > 0)) return connection_.close(evicted_for);
  // What had been received is handled as room comes, for as long as an ending may take.
  if (is_reading_paused()) return;
  finish_decoding(mutable_codec().on_pause(*this));
  if (!is_reading_paused() || must_reset()) connection_.close(evicted_for);
}

// ---- An upgrade ----

bool RequestConversation::can_move() const noexcept {
  return pending_replies_ == 0 && !is_leaving() && !is_draining() && !is_probing_pause_ &&
         can_channels_move();
}

void RequestConversation::save(SessionState& state) const {
  const TimePoint now = connection_.context().now;
  state.since_received = now - last_received_;
  state.message_age = now - message_since_;
  state.message_bytes_max = codec().message_bytes_max();
  state.input = codec().kept();
  state.is_input_unread = is_reading_paused();
  save_protocol(state);
}

// A turn that came meanwhile was missed.
void RequestConversation::on_stayed() {
  if (is_reading_paused()) connection_.pause();
  if (read_pause_ == ReadPause::yielded) connection_.request_turn();
}

// What was not looked at is looked at once there is room, as behind any read pause.
void RequestConversation::on_taken_over(const SessionState& state) {
  const TimePoint now = connection_.context().now;
  mutable_codec().keep(state.input);
  last_received_ = now - state.since_received;
  message_since_ = now - state.message_age;
  if (state.is_input_unread) pause_reading(ReadPause::backpressure);
}

// ---- Output ----

void RequestConversation::send(const Frame& frame) {
  if (!connection_.may_queue()) return;
  if (frame_kind(frame.type).is_message) connection_.count_message_out();
  connection_.queue([&](ByteSink& out) { codec().encode(frame, out); });
}

void RequestConversation::send_close(std::uint16_t channel, CloseReason reason) {
  send({.type = FrameType::close, .channel = channel, .payload = reason_payload(reason)});
}

}  // namespace fairlead
