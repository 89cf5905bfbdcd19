#include "server/core/connection.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {
namespace {

// What a peer may send after our FIN.
constexpr std::uint32_t kLingerBytesMax = 64U * 1024 * 1024;

// A peer that acknowledges less within a time-out takes nothing: drops keep no queue alive.
constexpr std::uint32_t kProgressBytesMin = 16 * 1024;

CloseReason reason_of(StreamError error) {
  switch (error) {
    case StreamError::reset:
      return CloseReason::reset;
    case StreamError::vanished:
      return CloseReason::peer_vanished;
    case StreamError::failed:
      break;
  }
  return CloseReason::internal_error;
}

}  // namespace

Connection::Connection(ShardContext& context, std::unique_ptr<ByteStream> stream,
                       OfferSnapshot offer, const PeerAddress& peer, std::uint64_t id,
                       std::uint32_t slot, Admission::Answer admission)
    : context_(context),
      offer_(std::move(offer)),
      stream_(std::move(stream)),
      output_(context.pool),
      last_activity_(context.now),
      reason_(admission.refused),
      slot_(slot),
      peer_(peer),
      id_(id),
      started_(context.now),
      admission_(std::move(admission.unit)) {
  conversation_ = context.begin_conversation(*this, nullptr);
}

Connection::~Connection() = default;

// ---- Events ----

void Connection::start() {
  guarded([this] {
    stream_->start(*this);
    if (!is_open()) return;  // it has failed at once
    if (reason_ != CloseReason::none) return close(reason_);
    conversation_->on_open();
  });
}

void Connection::on_bytes(Bytes bytes) {
  guarded([this, bytes] {
    bytes_in_ += bytes.size();
    touch();
    end_move();
    if (is_open()) return conversation_->on_bytes(bytes);
    // Read and dropped, so that the peer is not stuck in its own sending.
    if (stage_ != Stage::lingering) return;
    lingered_bytes_ += static_cast<std::uint32_t>(bytes.size());
    if (lingered_bytes_ > kLingerBytesMax) terminate(TerminateManner::reset);
  });
}

void Connection::on_end() {
  guarded([this] {
    peer_ended_ = true;
    touch();
    end_move();
    if (is_open()) return conversation_->on_end();
    if (stage_ == Stage::finishing) after_output();
    if (stage_ == Stage::lingering) terminate(TerminateManner::quiet);
  });
}

void Connection::on_silence() {
  guarded([this] {
    if (is_open()) conversation_->on_silence();
  });
}

void Connection::on_written(std::size_t size) {
  guarded([this, size] {
    output_.on_written(size);
    if (is_moving() && size == 0) return;
    touch();
    if (is_moving()) {
      write_blocked_since_ = kNever;
      return;
    }
    write(Progress::some);
    after_output();
  });
}

void Connection::on_error(StreamError error) {
  end_later(reason_of(error), TerminateManner::quiet);
}

void Connection::on_finished() {
  context_.wheel.cancel(*this);
  --context_.counters.open;
  is_handed_over_ ? static_cast<void>(++context_.counters.handed_over) : count_end();
  stage_ = Stage::finished;
  mark_dirty();
}

void Connection::take_turn() {
  is_turn_requested_ = false;
  guarded([this] {
    if (!is_open()) return;
    conversation_->on_turn();
    if (is_accounted_) mark_dirty();  // less may be left unread now
  });
}

void Connection::begin_drain() {
  guarded([this] {
    if (is_open()) conversation_->on_drain();
  });
}

// The deadlines of a connection that is ending already have come nearer.
void Connection::evict(CloseReason reason) {
  guarded([this, reason] {
    if (!is_open() || evicted_for_ != CloseReason::none) return;
    evicted_for_ = reason;
    conversation_->on_evict();
  });
}

// A reset, because the memory of the queue is what is wanted back. An ending that had begun keeps
// its reason.
void Connection::shed() {
  if (reason_ == CloseReason::none) reason_ = CloseReason::slow_consumer;
  terminate(TerminateManner::reset);
}

// TCP_USER_TIMEOUT=auto follows timeouts.write; one that was given is of the first moment.
void Connection::refresh(bool with_user_timeout) {
  guarded([this, with_user_timeout] {
    if (with_user_timeout && !has_ended() && !offer_->settings.socket.user_timeout)
      stream_->set_user_timeout(context_.settings->user_timeout());
  });
}

// An exception ends this connection and no other.
void Connection::fail(const char* what) noexcept {
  context_.log.error("session failed",
                     {field("id", id_), field("listener", listener().name), field("what", what)});
  // Whatever follows a part of a message would be taken for the rest of it.
  if (has_partial_message_) return cut(CloseReason::internal_error);
  try {
    close(CloseReason::internal_error);
  } catch (...) {
    cut(CloseReason::internal_error);
  }
}

// ---- The conversation ----

void Connection::hand_over(std::unique_ptr<Conversation> successor) {
  context_.retired.push_back(std::move(conversation_));
  conversation_ = std::move(successor);
  context_.log.debug("session_decided", {field("id", id_), field("protocol", name_of(kind()))});
}

void Connection::request_turn() noexcept {
  if (is_turn_requested_) return;
  is_turn_requested_ = true;
  context_.deferred.add(*this);
}

void Connection::mark_dirty() noexcept {
  if (is_dirty_) return;
  is_dirty_ = true;
  context_.dirty.add(*this);
}

// ---- Output ----

void Connection::flush() {
  is_dirty_ = false;
  if (has_ended()) return;
  guarded([this] {
    if (is_ending_) return terminate(ending_manner_);
    if (is_moving()) return;
    write(Progress::none);
    after_output();
  });
}

// Writes what the peer takes. `progress`: it had refused some, and has now taken more.
void Connection::write(Progress progress) {
  output_.flush(*stream_);
  const bool waits = !has_room();
  // Nearly always: the peer takes all, and has done so before.
  const bool is_quiet = !waits && write_blocked_since_ == kNever && !is_accounted_;
  if (is_quiet && conversation_->unread_memory() == 0) return;
  account();
  if (!waits) {
    write_blocked_since_ = kNever;
  } else if (write_blocked_since_ == kNever || progress == Progress::some) {
    write_blocked_since_ = context_.now;
    unacknowledged_bytes_ = stream_->unacknowledged_bytes();
  }
}

// Some of what waited has left, or could have.
void Connection::after_output() {
  if (is_ending_) return;
  if (stage_ == Stage::open) return conversation_->on_output();
  if (stage_ != Stage::finishing || !output_.is_shut_down()) return;
  peer_ended_ ? terminate(TerminateManner::quiet) : linger();
}

std::size_t Connection::write_through(std::span<const Bytes> pieces) {
  std::size_t size = 0;
  for (const Bytes piece : pieces) size += piece.size();
  return note_written_through(output_.write_through(*stream_, pieces), size);
}

std::optional<std::size_t> Connection::write_through(const FilePart& part) {
  const auto taken = output_.write_through(*stream_, part);
  if (!taken) return std::nullopt;
  return note_written_through(*taken, part.size);
}

std::size_t Connection::note_written_through(std::size_t taken, std::size_t of) {
  mark_dirty();
  if (taken > 0) touch();
  if (taken < of && output_.empty()) output_.await_room(*stream_);
  context_.body_bytes += taken;
  return taken;
}

// Tells the shard how much memory waits here: the replies, and behind them what has not even been
// looked at because of them.
void Connection::account() noexcept {
  const bool is_held = !has_ended() && !is_moving();
  const std::size_t bytes = is_held ? output_.memory() + conversation_->unread_memory() : 0;
  if (bytes == 0 && !is_accounted_) return;
  context_.output.set(slot_, bytes);
  is_accounted_ = bytes > 0;
}

// ---- Deadlines ----

Clocks Connection::clocks() const noexcept {
  Clocks clocks;
  if (has_ended() || is_moving()) return clocks;
  clocks.stopping_since = context_.stopping_since;
  if (stage_ == Stage::lingering) {
    clocks.lingering_since = lingering_since_;
    clocks.linger_silent_since = last_activity_;
    return clocks;
  }
  clocks.write_blocked_since = write_blocked_since_;
  if (stage_ == Stage::finishing) return clocks;
  clocks.idle_since = last_activity_;
  if (!has_heard()) clocks.unheard_since = started_;
  conversation_->add_clocks(clocks);
  return clocks;
}

std::array<Deadline, kExpiryCount> Connection::deadlines() const noexcept {
  return fairlead::deadlines(clocks(), {.timeouts = context_.settings->timeouts,
                                        .idle = listener().idle,
                                        .greet_wait = listener().greet_wait,
                                        .pause = conversation_->pause()});
}

void Connection::rearm() {
  const TimePoint soonest = earliest(deadlines());
  if (soonest < deadline()) context_.wheel.schedule(*this, soonest);
}

void Connection::on_due() {
  guarded([this] {
    for (const Deadline& deadline : deadlines()) {
      if (deadline.at <= context_.now) return on_expired(deadline.what);
    }
  });
}

void Connection::on_expired(Expiry what) {
  switch (what) {
    case Expiry::linger_silence:
      // Closing while bytes are still on their way would lose them with the peer's next byte.
      if (peer_took(1)) return;
      [[fallthrough]];
    case Expiry::linger_total:
      return terminate(TerminateManner::quiet);
    case Expiry::ending:
      if (stage_ == Stage::lingering) return terminate(TerminateManner::quiet);
      return cut_slow_reader();
    case Expiry::write:
      if (!peer_took(kProgressBytesMin)) cut_slow_reader();
      return;
    case Expiry::first_byte:
      return close(CloseReason::first_byte_timeout);
    case Expiry::idle:
      if (write_blocked_since_ != kNever && peer_took(kProgressBytesMin)) return;
      return close(CloseReason::idle_timeout);
    case Expiry::message:
      return close(CloseReason::message_timeout);
    case Expiry::greeting:
    case Expiry::pause:
      return conversation_->on_pause();
  }
}

// The kernel may hold so much that a slow reader makes no room in it for long: such a peer is
// judged by what it has acknowledged since the last time.
bool Connection::peer_took(std::uint32_t bytes_min) {
  const std::uint32_t before =
      std::exchange(unacknowledged_bytes_, stream_->unacknowledged_bytes());
  if (before == 0 || unacknowledged_bytes_ + std::min(before, bytes_min) > before) return false;
  touch();
  if (write_blocked_since_ != kNever) write_blocked_since_ = context_.now;
  return true;
}

// ---- The end ----

void Connection::close(CloseReason reason, std::string_view problem) {
  if (!is_open()) return;
  if (conversation_->must_reset() && reason != CloseReason::completed) return cut(reason);
  if (reason_ == CloseReason::none) reason_ = reason;
  conversation_->say_goodbye(reason_, problem);
  if (!is_open()) return;  // the goodbye could not be said
  stage_ = Stage::finishing;
  touch();
  output_.finish();
  stream_->resume();
  mark_dirty();
}

void Connection::cut(CloseReason reason) { end_later(reason, TerminateManner::reset); }

// At the end of the turn, because whoever asks for it may be a service, and its conversation must
// not vanish below it.
void Connection::end_later(CloseReason reason, TerminateManner manner) {
  if (has_ended() || is_ending_) return;
  if (reason_ == CloseReason::none) reason_ = reason;
  is_ending_ = true;
  ending_manner_ = manner;
  mark_dirty();
}

void Connection::linger() {
  if (context_.settings->timeouts.linger == Duration::zero())
    return terminate(TerminateManner::quiet);
  conversation_->forget_input();
  account();
  stage_ = Stage::lingering;
  lingering_since_ = last_activity_ = context_.now;
  unacknowledged_bytes_ = stream_->unacknowledged_bytes();
  auto& lingering = context_.lingering;
  if (lingering.size() >= kLingeringMax) lingering.front()->terminate(TerminateManner::reset);
  lingering.push_back(this);
}

void Connection::terminate(TerminateManner manner) {
  if (has_ended()) return;
  if (stage_ == Stage::lingering) std::erase(context_.lingering, this);
  stage_ = Stage::closed;
  conversation_->on_closed(reason_);
  conversation_->forget_input();
  context_.wheel.cancel(*this);
  stream_->terminate(manner);
  account();
}

}  // namespace fairlead
