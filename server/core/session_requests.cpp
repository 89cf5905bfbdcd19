// A session's requests: from decoded frames to its channels.
#include <algorithm>

#include "common/base/planted_bug.hpp"
#include "common/protocol/limits.hpp"
#include "server/core/session.hpp"

namespace fairlead {

void Session::receive(Bytes in) {
  if (is_leaving()) return;
  if (hold_ != Hold::none) return codec()->keep(in);
  handled_this_turn_ = 0;
  const std::size_t unread_bytes = codec()->kept_bytes() + in.size();
  const bool was_mid_message = codec()->mid_message();
  decoded(codec()->feed(in, *this));
  // Whatever has been read, were it a PING, what is left behind it has been begun now. But not what
  // only drips: a frame that is skipped keeps nothing, and has its time all the same.
  const bool has_read = codec()->kept_bytes() < unread_bytes && !codec()->goes_on_skipping() &&
                        !planted(PlantedBug::message_clock_keeps_running);
  const bool begun_now = has_read || !was_mid_message;
  if (stage_ == Stage::talking && begun_now && codec()->mid_message()) begun_ = context_.now;
}

void Session::decoded(const DecodeResult& result) {
  remove_closed_channels();
  if (stage_ != Stage::talking) return;
  if (result.status == DecodeResult::Status::failed) leave(result.reason, result.problem);
  if (stage_ != Stage::talking) return;
  const bool room = backlog_bytes() <= context_.settings.limits.queue_soft && !waits_for_answers();
  if (!room) return hold(Hold::output);
  if (result.status == DecodeResult::Status::stopped) hold(Hold::turn);
}

void Session::hold(Hold why) {
  hold_ = why;
  transport_->pause();
  mark_dirty();  // what it has left unread is accounted for
  if (why == Hold::output && codec() != nullptr) codec()->trim();
  if (why == Hold::turn) schedule();
}

void Session::schedule() {
  if (is_scheduled_) return;
  is_scheduled_ = true;
  context_.unfinished.add(*this);
}

// The client has shut down its sending side: it still gets every reply it is owed.
void Session::end_of_requests() {
  if (hold_ != Hold::none) return;
  if (stage_ == Stage::talking) {
    handled_this_turn_ = 0;
    decoded(codec()->on_end(*this));
    if (hold_ != Hold::none) return;
  }
  close(bytes_in_ == 0 ? CloseReason::eof_before_data : CloseReason::peer_closed);
}

bool Session::greets() const { return channel_ && !listener_.service->greeting.empty(); }

bool Session::has_text_prefix() const {
  return stage_ == Stage::detecting && prefix_bytes_ > 0 &&
         listener_.protocol == ListenerProtocol::automatic;
}

// Nothing more is read from this client until it has been answered: a plain one could not tell
// whose answer comes first, and one that leaves, or is sent away, ends with the last.
bool Session::waits_for_answers() const {
  if (owed_ == 0) return false;
  return !is_framed() || owed_ >= kUnansweredMax || is_leaving() || peer_ended_ || draining_;
}

// The client has ended the conversation, or has broken its rules: what it had asked before is still
// answered, whenever the answers come.
void Session::leave(CloseReason reason, const char* problem) {
  if (owed_ == 0) return close(reason, problem);
  leaving_for_ = reason;
  leaving_problem_ = problem;
}

// Asked from any turn of the shard; the flush at its end sees to it.
void Session::want_writable() noexcept {
  wants_writable_ = true;
  mark_dirty();
}

void Session::forgive(std::size_t answers) noexcept {
  if (answers == 0) return;
  owed_ = static_cast<std::uint16_t>(owed_ - answers);
  last_activity_ = context_.now;
  mark_dirty();
}

// One channel a turn, each in its turn.
void Session::serve_writable() {
  Channel* chosen = nullptr;
  int waiting = 0;
  const auto distance = [this](const Channel& one) {
    return static_cast<std::uint16_t>(one.id() - last_served_ - 1);
  };
  const auto consider = [&](Channel& one) {
    if (!one.wants_writable()) return;
    ++waiting;
    if (chosen == nullptr || distance(one) < distance(*chosen)) chosen = &one;
  };
  if (channel_) consider(*channel_);
  for (const auto& one : more_channels_) consider(*one);
  wants_writable_ = waiting > 1;
  if (chosen == nullptr) return;
  last_served_ = chosen->id();
  chosen->on_writable();
  if (wants_writable_ && is_talking()) mark_dirty();
}

// A drain or an eviction waits until what had been received is done.
void Session::after_requests() {
  if (!is_talking() || hold_ == Hold::turn) return;
  if (evicted_for_ != CloseReason::none) {
    if (has_text_prefix()) become_text_with_prefix();
    if (is_streaming() || (is_framed() && owed_ > 0)) return close(evicted_for_);
    // What had been received is executed as room comes, for as long as an ending may take.
    if (hold_ == Hold::output) return;
    if (is_text()) decoded(codec()->on_pause(*this));
    if (hold_ == Hold::none || is_streaming()) close(evicted_for_);
    return;
  }
  if (!draining_ || hold_ != Hold::none) return;
  if (owed_ > 0) return hold(Hold::output);
  close(CloseReason::draining);
}

void Session::begin_drain() {
  if (stage_ != Stage::talking || !is_framed()) return;
  draining_ = true;
  guarded([this] {
    if (planted(PlantedBug::early_goaway)) say_goaway(CloseReason::draining);
    transport_->probe();
  });
}

void Session::evict(CloseReason reason) {
  if (!is_talking()) return rearm();  // its deadline has come nearer
  if (evicted_for_ != CloseReason::none) return;
  evicted_for_ = reason;
  if (has_pusher_) {
    behind_since_ = kNever;  // is_pushed_to() no longer
    mark_dirty();
  }
  guarded([this] { transport_->probe(); });
}

Flow Session::on_frame(const Frame& frame) {
  ++handled_this_turn_;
  if (is_framed()) {
    on_framed(frame);
  } else {
    on_message(frame);
  }
  if (stage_ != Stage::talking || waits_for_answers()) return Flow::stop;
  const LimitSettings& limits = context_.settings.limits;
  if (handled_this_turn_ >= limits.requests_per_turn) return Flow::stop;
  return backlog_bytes() > limits.queue_soft ? Flow::stop : Flow::go_on;
}

void Session::on_framed(const Frame& frame) {
  switch (frame.type) {
    case FrameType::hello:
      on_hello(frame);
      break;
    case FrameType::open:
      on_open_request(frame);
      break;
    case FrameType::close:
      on_channel_close(frame);
      break;
    case FrameType::message:
    case FrameType::stat:
    case FrameType::list:
    case FrameType::get:
    case FrameType::hash:
      on_message(frame);
      break;
    case FrameType::ping:
      if (frame.payload.size() > kPingBytesMax)
        return leave(CloseReason::protocol_error, "ping above 32 bytes");
      send({.type = FrameType::pong,
            .channel = frame.channel,
            .request_id = frame.request_id,
            .payload = frame.payload});
      break;
    case FrameType::pong:
      break;
    case FrameType::opened:
    case FrameType::reply:
    case FrameType::error:
    case FrameType::goaway:
    case FrameType::status:
    case FrameType::listing:
    case FrameType::begin:
    case FrameType::data:
    case FrameType::end:
    case FrameType::hashes:
      leave(CloseReason::protocol_error, "a frame that only the server sends");
      break;
  }
  spoken_ = true;
}

// A client may say who it is, before anything else: u16 version, then its name with a length of one
// byte.
void Session::on_hello(const Frame& frame) {
  const Bytes payload = frame.payload;
  const bool whole = payload.size() >= 3 && payload.size() == 3U + octet(payload[2]);
  if (spoken_ || frame.channel != 0 || !whole) leave(CloseReason::protocol_error, "bad hello");
}

void Session::on_open_request(const Frame& frame) {
  if (!takes_request_id(frame.request_id))
    return leave(CloseReason::protocol_error, "request ids must increase");
  if (frame.channel == 0 || channel(frame.channel) != nullptr) {
    return leave(CloseReason::protocol_error, "open of a channel that is open");
  }
  // Those closed by an earlier frame of the same delivery must not count.
  if (more_channels_.size() >= kChannelsMax) remove_closed_channels();
  if (more_channels_.size() >= kChannelsMax) {
    return send_error(frame.channel, frame.request_id, CloseReason::too_many_channels, {});
  }
  const auto& offered = listener_.open_services;
  const auto found = std::find_if(
      offered.begin(), offered.end(),
      [&frame](const ServiceSettings* service) { return service->name == frame.payload; });
  if (found == offered.end()) {
    return send_error(frame.channel, frame.request_id, CloseReason::unknown_service, {});
  }
  auto& opened_channel = *more_channels_.emplace_back(
      std::make_unique<Channel>(*this, context_.service(**found), frame.channel));
  send({.type = FrameType::opened,
        .channel = frame.channel,
        .request_id = frame.request_id,
        .payload = {}});
  look_who_pushes();
  opened_channel.transcribe_connect();
  opened_channel.open();
}

void Session::on_channel_close(const Frame& frame) {
  if (frame.channel == 0) return leave(CloseReason::peer_closed);
  Channel* closing = channel(frame.channel);
  if (closing == nullptr) return;  // it crossed ours on the way
  closing->refuse_owed(CloseReason::peer_closed);
  send_close(frame.channel, CloseReason::peer_closed);
  closing->finish(CloseReason::peer_closed);
  if (closing->pushes()) look_who_pushes();
}

void Session::on_message(const Frame& frame) {
  ++messages_in_;
  Encoding encoding;
  if (is_framed()) {
    if (!takes_request_id(frame.request_id))
      return leave(CloseReason::protocol_error, "request ids must increase");
    encoding = Encoding::utf8;
  } else {
    encoding = encoding_.observe(frame.payload);
  }
  Channel* target = channel(frame.channel);
  if (target == nullptr) {
    return send_error(frame.channel, frame.request_id, CloseReason::no_such_channel, {});
  }
  if (is_file_request(frame.type) && !target->has_files()) {
    return send_error(frame.channel, frame.request_id, CloseReason::unknown_service, {});
  }
  target->handle(frame, encoding);
}

bool Session::takes_request_id(std::uint32_t id) {
  if (id <= last_request_id_) return false;
  last_request_id_ = id;
  return true;
}

Channel* Session::channel(std::uint16_t id) {
  if (id == 0) return channel_ && channel_->is_open() ? &*channel_ : nullptr;
  const auto found =
      std::find_if(more_channels_.begin(), more_channels_.end(),
                   [id](const auto& open) { return open->id() == id && open->is_open(); });
  return found == more_channels_.end() ? nullptr : found->get();
}

void Session::remove_closed_channels() {
  if (more_channels_.empty()) return;
  const auto closed =
      std::erase_if(more_channels_, [](const auto& one) { return !one->is_open(); });
  if (closed > 0 && has_pusher_) look_who_pushes();
}

}  // namespace fairlead
