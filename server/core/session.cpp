#include "server/core/session.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "common/protocol/detect.hpp"
#include "common/protocol/limits.hpp"

namespace fairlead {
namespace {

// Sessions that wait for a FIN after ours; beyond, the oldest is reset.
constexpr std::size_t kLingeringMax = 1000;
constexpr Duration kLingerInAll{30'000};
constexpr std::uint64_t kLingerBytesMax = 64ULL * 1024 * 1024;

// A client that has been silent for so long is no longer in the middle of a burst.
constexpr Duration kCoolDown{1000};

// For listeners that only framed clients can use.
constexpr EncodingSettings kNoService{};
constexpr Duration kPauseWithoutService{20};

// What a TLS client is told, in the one language it speaks: alert(21), TLS 1.2, fatal(2),
// handshake_failure(40) (RFC 5246, 7.2; RFC 8446, appendix D.4 keeps the record's version).
constexpr Bytes kTlsHandshakeFailure{"\x15\x03\x03\x00\x02\x02\x28", 7};

// Endings that a plain client learns of by a line, because it could not tell them from a healthy
// end of the connection. A time-out or a drain is an end like any other: a line would be taken for
// a reply.
bool is_told_in_words(CloseReason reason) {
  switch (reason) {
    case CloseReason::message_too_big:
    case CloseReason::rate_limited:
    case CloseReason::server_full:
    case CloseReason::ip_limit:
    case CloseReason::denied:
    case CloseReason::kicked:
    case CloseReason::internal_error:
      return true;
    default:
      return false;
  }
}

std::string reason_payload(CloseReason reason, std::string_view why) {
  const auto code = big_endian_32(static_cast<std::uint32_t>(reason));
  std::string payload(code.data(), code.size());
  payload += why.empty() ? explanation_of(reason) : why;
  return payload;
}

void append_short_string(std::string& out, std::string_view text) {
  text = text.substr(0, 255);
  out += static_cast<char>(text.size());
  out += text;
}

}  // namespace

Session::Session(ShardContext& context, std::unique_ptr<Transport> transport,
                 const ListenerSettings& listener, const PeerAddress& peer, std::uint64_t id,
                 std::uint32_t slot)
    : context_(context),
      listener_(listener),
      transport_(std::move(transport)),
      started_(context.now),
      last_received_(context.now),
      last_activity_(context.now),
      id_(id),
      slot_(slot),
      peer_(peer),
      encoding_(listener.service != nullptr ? listener.service->encoding : kNoService) {}

Session::~Session() = default;

// ---- Entries. Each runs guarded, and leaves the wheel entry right. ----

// An exception is this session's end and nobody else's.
template <class Work>
void Session::guarded(Work&& work) {
  try {
    work();
  } catch (const std::exception& failure) {
    context_.log.error("session failed", {field("id", id_), field("listener", listener_.name),
                                          field("what", failure.what())});
    try {
      close(CloseReason::internal_error);
    } catch (const std::exception&) {
      cut(CloseReason::internal_error);
    }
  }
  rearm();
}

void Session::start() {
  transport_->start(*this);
  guarded([this] {
    if (listener_.service != nullptr) {
      channel_.emplace(*this, context_.service(*listener_.service), std::uint16_t{0});
      channel_->transcribe_connect();
    }
    if (listener_.protocol == ListenerProtocol::text) choose_text();
    if (listener_.protocol == ListenerProtocol::len32) choose_len32();
  });
}

void Session::on_bytes(Bytes bytes) {
  guarded([this, bytes] {
    bytes_in_ += bytes.size();
    last_received_ = last_activity_ = context_.now;
    probing_pause_ = false;
    switch (stage_) {
      case Stage::detecting:
        detect_protocol(bytes);
        break;
      case Stage::talking:
        receive(bytes);
        break;
      case Stage::finishing:
        break;  // read and dropped, so that the client is not stuck in its own sending
      case Stage::lingering:
        lingered_bytes_ += bytes.size();
        if (lingered_bytes_ > kLingerBytesMax) terminate(TerminateManner::reset);
        break;
      case Stage::terminated:
        break;
    }
    after_requests();
  });
}

void Session::on_end() {
  guarded([this] {
    peer_ended_ = true;
    probing_pause_ = false;
    last_activity_ = context_.now;
    switch (stage_) {
      case Stage::detecting:
        if (prefix_bytes_ > 0 && listener_.protocol == ListenerProtocol::automatic)
          become_text_with_prefix();
        end_of_requests();
        break;
      case Stage::talking:
        end_of_requests();
        break;
      case Stage::finishing:
        after_output();
        break;
      case Stage::lingering:
        terminate(TerminateManner::quiet);
        break;
      case Stage::terminated:
        break;
    }
  });
}

// The answer to a probe: the silence that was measured is real, or a drain has found everything
// received.
void Session::on_silence() {
  guarded([this] {
    if (probing_pause_) {
      probing_pause_ = false;
      if (stage_ == Stage::detecting && prefix_bytes_ > 0) become_text_with_prefix();
      if (stage_ == Stage::talking && codec()->awaits_pause() && hold_ == Hold::none) {
        handled_this_turn_ = 0;
        decoded(codec()->on_pause(*this));
      }
    }
    after_requests();
  });
}

void Session::on_progress() {
  guarded([this] {
    last_activity_ = context_.now;
    blocked_since_ = transport_->queued_bytes() > 0 ? context_.now : kNever;
    after_output();
  });
}

void Session::on_error(TransportError error) {
  guarded([this, error] {
    if (reason_ == CloseReason::none) {
      reason_ = error == TransportError::reset      ? CloseReason::reset
                : error == TransportError::vanished ? CloseReason::peer_vanished
                                                    : CloseReason::internal_error;
    }
    terminate(TerminateManner::quiet);
  });
}

void Session::on_finished() {
  context_.wheel.cancel(*this);
  Counters& counters = context_.counters;
  --counters.open;
  ++counters.closed[static_cast<std::size_t>(reason_)];
  counters.bytes_in += bytes_in_;
  counters.bytes_out += transport_->sent_bytes();
  counters.messages_in += messages_in_;
  counters.messages_out += messages_out_;
  write_session_log();
  context_.finished.push_back(this);
}

void Session::go_on() {
  guarded([this] {
    if (stage_ != Stage::talking || hold_ != Hold::turn) return;
    hold_ = Hold::none;
    if (peer_ended_) return end_of_requests();
    receive({});
    if (hold_ == Hold::none && stage_ == Stage::talking) transport_->resume();
    after_requests();
  });
}

void Session::flush() {
  dirty_ = false;
  if (stage_ == Stage::terminated) return;
  guarded([this] {
    transport_->flush();
    if (transport_->queued_bytes() == 0) {
      blocked_since_ = kNever;
    } else if (blocked_since_ == kNever) {
      blocked_since_ = context_.now;
    }
    after_output();
  });
}

void Session::on_due() {
  guarded([this] {
    const TimePoint now = context_.now;
    const TimeoutSettings& timeouts = context_.settings.timeouts;
    if (stage_ == Stage::lingering) {
      const bool over = now >= deadline_after(last_activity_, timeouts.linger) ||
                        now >= closing_since_ + kLingerInAll;
      if (over) terminate(TerminateManner::quiet);
      return;
    }
    if (blocked_since_ != kNever && now >= deadline_after(blocked_since_, write_timeout())) {
      return cut(CloseReason::write_timeout);
    }
    if (!is_talking()) return;
    if (transport_->holds_buffer() && now >= last_received_ + kCoolDown)
      transport_->release_buffers();
    if (bytes_in_ == 0 && now >= deadline_after(started_, timeouts.first_byte)) {
      return close(CloseReason::first_byte_timeout);
    }
    if (now >= deadline_after(last_activity_, listener_.idle))
      return close(CloseReason::idle_timeout);
    if (stage_ == Stage::detecting && prefix_bytes_ == 0) {
      if (greets() && listener_.protocol == ListenerProtocol::automatic &&
          now >= started_ + listener_.greet_wait) {
        choose_text();
      }
      return;
    }
    const bool unfinished =
        stage_ == Stage::detecting || (codec()->mid_message() && hold_ == Hold::none);
    if (unfinished && now >= deadline_after(message_started_, timeouts.message)) {
      return close(CloseReason::message_timeout);
    }
    const bool pausing = stage_ == Stage::detecting
                             ? listener_.protocol == ListenerProtocol::automatic
                             : codec()->awaits_pause() && hold_ == Hold::none;
    if (pausing && now >= last_received_ + pause()) {
      probing_pause_ = true;
      transport_->probe();
    }
  });
}

// ---- Which protocol ----

void Session::detect_protocol(Bytes in) {
  if (prefix_bytes_ == 0) message_started_ = context_.now;
  std::array<char, 8> first{};
  std::copy_n(prefix_.begin(), prefix_bytes_, first.begin());
  const std::size_t taken = std::min(in.size(), prefix_.size());
  std::copy_n(in.begin(), taken, first.begin() + prefix_bytes_);
  const Detected detected = detect({first.data(), prefix_bytes_ + taken});

  if (detected == Detected::undecided) {
    std::copy_n(in.begin(), in.size(), prefix_.begin() + prefix_bytes_);
    prefix_bytes_ = static_cast<std::uint8_t>(prefix_bytes_ + in.size());
    return;
  }
  if (listener_.protocol == ListenerProtocol::framed && detected != Detected::framed) {
    return close(CloseReason::protocol_error, "bad preface");
  }
  switch (detected) {
    case Detected::tls:
      send_raw(kTlsHandshakeFailure);
      return close(CloseReason::protocol_error, "TLS is not spoken here");
    case Detected::framed:
      choose_framed();
      break;
    case Detected::len32:
      choose_len32();
      break;
    case Detected::text:
    case Detected::undecided:
      choose_text();
      break;
  }
  if (stage_ != Stage::talking) return;
  codec()->keep({prefix_.data(), prefix_bytes_});
  receive(in);
}

void Session::become_text_with_prefix() {
  choose_text();
  if (stage_ != Stage::talking) return;
  codec()->keep({prefix_.data(), prefix_bytes_});
  receive({});
}

void Session::choose_text() {
  const auto message_bytes_max = static_cast<std::uint32_t>(context_.settings.limits.max_message);
  if (!channel_)
    return close(CloseReason::protocol_error, "this listener has no service for plain clients");
  codec_.emplace<TextCodec>(context_.pool, listener_.service->text_rules, encoding_,
                            message_bytes_max);
  opened();
}

void Session::choose_len32() {
  const auto message_bytes_max = static_cast<std::uint32_t>(context_.settings.limits.max_message);
  if (!channel_)
    return close(CloseReason::protocol_error, "this listener has no service for plain clients");
  codec_.emplace<Len32Codec>(context_.pool, message_bytes_max);
  opened();
}

void Session::choose_framed() {
  const auto payload_bytes_max = static_cast<std::uint32_t>(context_.settings.limits.max_message);
  codec_.emplace<FramedCodec>(context_.pool, payload_bytes_max);
  say_hello();
  opened();
}

void Session::opened() {
  stage_ = Stage::talking;
  if (channel_) channel_->open();
}

const Codec* Session::codec() const {
  switch (codec_.index()) {
    case 1:
      return std::get_if<1>(&codec_);
    case 2:
      return std::get_if<2>(&codec_);
    case 3:
      return std::get_if<3>(&codec_);
    default:
      return nullptr;
  }
}

Codec* Session::codec() { return const_cast<Codec*>(std::as_const(*this).codec()); }

// ---- Requests ----

void Session::receive(Bytes in) {
  if (hold_ != Hold::none) return codec()->keep(in);
  handled_this_turn_ = 0;
  const std::uint64_t messages_before = messages_in_;
  const bool was_mid_message = codec()->mid_message();
  decoded(codec()->feed(in, *this));
  const bool begun_now = messages_in_ != messages_before || !was_mid_message;
  if (stage_ == Stage::talking && begun_now && codec()->mid_message())
    message_started_ = context_.now;
}

void Session::decoded(const DecodeResult& result) {
  remove_closed_channels();
  if (stage_ != Stage::talking) return;
  if (result.status == DecodeResult::Status::failed) return close(result.reason, result.problem);
  const bool room =
      transport_->queued_bytes() <= context_.settings.limits.queue_soft && !owes_stream();
  if (!room) return hold(Hold::output);
  if (result.status == DecodeResult::Status::stopped) hold(Hold::turn);
}

void Session::hold(Hold why) {
  hold_ = why;
  transport_->pause();
  if (why == Hold::turn) context_.unfinished.push_back(this);
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

bool Session::owes_stream() const { return channel_ && channel_->wants_writable(); }

// A drain or an eviction waits until what had been received is done.
void Session::after_requests() {
  if (!is_talking() || hold_ == Hold::turn) return;
  if (evicted_for_ != CloseReason::none) {
    if (owes_stream()) return cut(evicted_for_);
    if (is_text() && hold_ == Hold::none) decoded(codec()->on_pause(*this));
    return close(evicted_for_);
  }
  if (draining_) close(CloseReason::draining);
}

void Session::begin_drain() {
  if (stage_ != Stage::talking || !is_framed()) return;
  draining_ = true;
  transport_->probe();
}

void Session::evict(CloseReason reason) {
  if (!is_talking()) return rearm();  // its deadline has come nearer
  if (evicted_for_ != CloseReason::none) return;
  evicted_for_ = reason;
  transport_->probe();
}

Flow Session::on_frame(const Frame& frame) {
  ++handled_this_turn_;
  if (is_framed()) {
    on_framed(frame);
  } else {
    on_message(frame);
  }
  if (stage_ != Stage::talking || owes_stream()) return Flow::stop;
  const LimitSettings& limits = context_.settings.limits;
  if (handled_this_turn_ >= limits.requests_per_turn) return Flow::stop;
  return transport_->queued_bytes() > limits.queue_soft ? Flow::stop : Flow::go_on;
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
      on_message(frame);
      break;
    case FrameType::ping:
      if (frame.payload.size() > kPingBytesMax)
        return close(CloseReason::protocol_error, "ping above 32 bytes");
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
      close(CloseReason::protocol_error, "a frame that only the server sends");
      break;
  }
  spoken_ = true;
}

// A client may say who it is, before anything else: u16 version, then its name with a length of one
// byte.
void Session::on_hello(const Frame& frame) {
  const Bytes payload = frame.payload;
  const bool whole = payload.size() >= 3 && payload.size() == 3U + octet(payload[2]);
  if (spoken_ || frame.channel != 0 || !whole) close(CloseReason::protocol_error, "bad hello");
}

void Session::on_open_request(const Frame& frame) {
  if (!takes_request_id(frame.request_id))
    return close(CloseReason::protocol_error, "request ids must increase");
  if (frame.channel == 0 || channel(frame.channel) != nullptr) {
    return close(CloseReason::protocol_error, "open of a channel that is open");
  }
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
  opened_channel.transcribe_connect();
  opened_channel.open();
}

void Session::on_channel_close(const Frame& frame) {
  if (frame.channel == 0) return close(CloseReason::peer_closed);
  Channel* closing = channel(frame.channel);
  if (closing == nullptr) return;  // it crossed ours on the way
  send_close(frame.channel, CloseReason::peer_closed);
  closing->finish(CloseReason::peer_closed);
}

void Session::on_message(const Frame& frame) {
  ++messages_in_;
  Encoding encoding;
  if (is_framed()) {
    if (!takes_request_id(frame.request_id))
      return close(CloseReason::protocol_error, "request ids must increase");
    encoding = Encoding::utf8;
  } else {
    encoding = encoding_.observe(frame.payload);
  }
  Channel* target = channel(frame.channel);
  if (target == nullptr) {
    return send_error(frame.channel, frame.request_id, CloseReason::no_such_channel, {});
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
  std::erase_if(more_channels_, [](const auto& one) { return !one->is_open(); });
}

// ---- Output ----

void Session::send(const Frame& frame) {
  if (stage_ == Stage::terminated || transport_->finished_sending()) return;
  if (frame.type == FrameType::message || frame.type == FrameType::reply) ++messages_out_;
  mark_dirty();
  codec()->encode(frame, *transport_);
}

void Session::send_raw(Bytes bytes) {
  mark_dirty();
  transport_->send(bytes);
}

void Session::send_error(std::uint16_t channel, std::uint32_t request_id, CloseReason code,
                         std::string_view why) {
  send({.type = FrameType::error,
        .channel = channel,
        .request_id = request_id,
        .payload = reason_payload(code, why)});
}

void Session::send_close(std::uint16_t channel, CloseReason reason) {
  send({.type = FrameType::close, .channel = channel, .payload = reason_payload(reason, {})});
}

void Session::say_hello() {
  std::string payload;
  const auto version = big_endian_16(1);
  const auto channels = big_endian_16(kChannelsMax);
  const auto bytes_max =
      big_endian_32(static_cast<std::uint32_t>(context_.settings.limits.max_message));
  payload.append(version.data(), version.size());
  payload.append(channels.data(), channels.size());
  payload.append(bytes_max.data(), bytes_max.size());
  append_short_string(payload, context_.settings.name);
  append_short_string(payload,
                      listener_.service != nullptr ? listener_.service->name : std::string_view{});
  payload += static_cast<char>(listener_.open_services.size());
  for (const ServiceSettings* service : listener_.open_services)
    append_short_string(payload, service->name);

  send_raw(kPreface);
  send({.type = FrameType::hello, .payload = payload});
}

void Session::say_goaway(CloseReason reason) {
  const auto last = big_endian_32(last_request_id_);
  send({.type = FrameType::goaway,
        .payload = std::string(last.data(), last.size()) + reason_payload(reason, {})});
}

// Tells the client why, where it can still be told and would not take it for something else.
void Session::say_goodbye(std::string_view problem) {
  if (peer_ended_) return;
  switch (reason_) {
    case CloseReason::peer_closed:
    case CloseReason::eof_before_data:
      return;
    default:
      break;
  }
  if (is_framed()) {
    switch (reason_) {
      case CloseReason::draining:
      case CloseReason::restart:
        return say_goaway(reason_);
      case CloseReason::close_after:
      case CloseReason::completed:
        return send_close(0, reason_);
      default:
        return send_error(0, 0, reason_, problem);
    }
  }
  if (codec() != nullptr && is_told_in_words(reason_)) {
    std::string line = "error: ";
    line += name_of(reason_);
    line += ": ";
    line += explanation_of(reason_);
    send({.line_end = is_text() ? LineEnd::lf : LineEnd::none, .payload = line});
  }
}

std::size_t Session::writable_bytes() const {
  const std::size_t soft = context_.settings.limits.queue_soft;
  const std::size_t queued = transport_->queued_bytes();
  return queued < soft ? soft - queued : 0;
}

LineEnd Session::own_line_end() const {
  const bool lines = is_text() && listener_.service->text_rules.boundary == Boundary::line;
  return lines ? LineEnd::lf : LineEnd::none;
}

Encoding Session::reply_encoding() const {
  return is_framed() ? Encoding::utf8 : encoding_.reply_encoding();
}

void Session::mark_dirty() {
  if (dirty_) return;
  dirty_ = true;
  context_.dirty.push_back(this);
}

// Something has left, or could have.
void Session::after_output() {
  if (stage_ == Stage::finishing) {
    if (!transport_->finished_sending()) return;
    return peer_ended_ ? terminate(TerminateManner::quiet) : linger();
  }
  if (stage_ != Stage::talking) return;
  // Resuming at half of the mark keeps a slow reader from being paused and resumed for every reply.
  if (transport_->queued_bytes() > context_.settings.limits.queue_soft / 2) return;
  if (owes_stream()) {
    channel_->on_writable();
    if (stage_ != Stage::talking || owes_stream()) return;
  }
  if (hold_ == Hold::output) hold(Hold::turn);
}

// ---- The end ----

void Session::close(CloseReason reason, std::string_view problem) {
  if (!is_talking()) return;
  reason_ = reason;
  if (channel_) channel_->finish(reason);
  for (const auto& one : more_channels_) one->finish(reason);
  say_goodbye(problem);
  stage_ = Stage::finishing;
  closing_since_ = last_activity_ = context_.now;
  transport_->finish_sending();
  transport_->resume();
  mark_dirty();
}

void Session::cut(CloseReason reason) {
  if (stage_ == Stage::terminated) return;
  if (reason_ == CloseReason::none) reason_ = reason;
  terminate(TerminateManner::reset);
}

void Session::linger() {
  stage_ = Stage::lingering;
  last_activity_ = context_.now;
  auto& lingering = context_.lingering;
  if (lingering.size() >= kLingeringMax) lingering.front()->terminate(TerminateManner::reset);
  lingering.push_back(this);
}

void Session::terminate(TerminateManner manner) {
  if (stage_ == Stage::terminated) return;
  if (stage_ == Stage::lingering) std::erase(context_.lingering, this);
  stage_ = Stage::terminated;
  if (channel_) channel_->finish(reason_);
  for (const auto& one : more_channels_) one->finish(reason_);
  context_.wheel.cancel(*this);
  transport_->terminate(manner);
}

// ---- Time ----

Duration Session::pause() const {
  return listener_.service != nullptr ? listener_.service->text_rules.pause : kPauseWithoutService;
}

// Once the daemon is on its way out, a client that takes nothing is given no longer than one that
// says nothing.
Duration Session::write_timeout() const {
  const TimeoutSettings& timeouts = context_.settings.timeouts;
  if (!context_.stopping) return timeouts.write;
  return timeouts.write == Duration::zero() ? timeouts.linger
                                            : std::min(timeouts.write, timeouts.linger);
}

TimePoint Session::next_deadline() const {
  const TimeoutSettings& timeouts = context_.settings.timeouts;
  if (stage_ == Stage::terminated) return kNever;
  if (stage_ == Stage::lingering) {
    return std::min(deadline_after(last_activity_, timeouts.linger), closing_since_ + kLingerInAll);
  }
  TimePoint soonest =
      blocked_since_ == kNever ? kNever : deadline_after(blocked_since_, write_timeout());
  if (stage_ == Stage::finishing) return soonest;

  soonest = std::min(soonest, deadline_after(last_activity_, listener_.idle));
  if (transport_->holds_buffer()) soonest = std::min(soonest, last_received_ + kCoolDown);
  if (bytes_in_ == 0) soonest = std::min(soonest, deadline_after(started_, timeouts.first_byte));
  if (stage_ == Stage::detecting) {
    const bool automatic = listener_.protocol == ListenerProtocol::automatic;
    if (prefix_bytes_ == 0) {
      return automatic && greets() ? std::min(soonest, started_ + listener_.greet_wait) : soonest;
    }
    soonest = std::min(soonest, deadline_after(message_started_, timeouts.message));
    return automatic && !probing_pause_ ? std::min(soonest, last_received_ + pause()) : soonest;
  }
  const Codec& reading = *codec();
  if (hold_ != Hold::none || !reading.mid_message()) return soonest;
  soonest = std::min(soonest, deadline_after(message_started_, timeouts.message));
  return reading.awaits_pause() && !probing_pause_ ? std::min(soonest, last_received_ + pause())
                                                   : soonest;
}

void Session::rearm() {
  const TimePoint soonest = next_deadline();
  if (soonest < deadline()) context_.wheel.schedule(*this, soonest);
}

// ---- The log ----

std::string_view Session::protocol_name() const {
  constexpr std::array<std::string_view, 4> kNames{"undecided", "text", "len32", "framed"};
  return kNames[codec_.index()];
}

void Session::write_session_log() {
  if (!context_.session_log.enabled(Level::info)) return;
  const auto decided = encoding_.decided();
  context_.session_log.info(
      "session", {field("id", id_), field("listener", listener_.name), field("peer", peer_.text()),
                  field("protocol", protocol_name()),
                  field("encoding", decided ? name_of(*decided) : "undecided"),
                  field("reason", name_of(reason_)), field("ms", (context_.now - started_).count()),
                  field("bytes_in", bytes_in_), field("bytes_out", transport_->sent_bytes()),
                  field("messages_in", messages_in_), field("messages_out", messages_out_)});
}

}  // namespace fairlead
