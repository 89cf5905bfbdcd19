#include "server/core/session.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "common/protocol/detect.hpp"
#include "common/protocol/limits.hpp"

namespace fairlead {
namespace {

constexpr std::uint32_t kLingerBytesMax = 64U * 1024 * 1024;

// For listeners that only framed clients can use.
constexpr EncodingSettings kNoService{};

// What a TLS client is told, in the one language it speaks: alert(21), TLS 1.2, fatal(2),
// handshake_failure(40) (RFC 5246, 7.2; RFC 8446, appendix D.4 keeps the record's version).
constexpr Bytes kTlsHandshakeFailure{"\x15\x03\x03\x00\x02\x02\x28", 7};
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
void Session::fail(const char* what) noexcept {
  context_.log.error("session failed",
                     {field("id", id_), field("listener", listener_.name), field("what", what)});
  // A word behind half a message would be taken for its other half.
  if (torn_) return cut(CloseReason::internal_error);
  try {
    close(CloseReason::internal_error);
  } catch (...) {
    cut(CloseReason::internal_error);
  }
}

void Session::start(CloseReason refused) {
  reason_ = refused;  // whatever happens now: it was never let in
  was_admitted_ = refused == CloseReason::none;
  guarded([this, refused] {
    transport_->start(*this);
    if (!is_talking()) return;  // it has failed at once, and the session has ended
    if (refused != CloseReason::none) return refuse(refused);
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
        lingered_bytes_ += static_cast<std::uint32_t>(bytes.size());
        if (lingered_bytes_ > kLingerBytesMax) terminate(TerminateManner::reset);
        break;
      case Stage::terminated:
      case Stage::finished:
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
        if (has_text_prefix()) become_text_with_prefix();
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
      case Stage::finished:
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
      if (stage_ == Stage::detecting && prefix_bytes_ == 0) choose_text();
      if (has_text_prefix()) become_text_with_prefix();
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
    if (outbox_) mark_dirty();  // it passes on more at the end of the turn
    take_stock(true);
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
    if (offering_) return mark_dirty();
    terminate(TerminateManner::quiet);
  });
}

void Session::on_finished() {
  context_.wheel.cancel(*this);
  Counters& counters = context_.counters;
  --counters.open;
  ++counters.closed[static_cast<std::size_t>(reason_)];
  add_traffic(counters);
  is_counted_ = true;
  write_session_log();
  stage_ = Stage::finished;
  mark_dirty();
}

void Session::add_traffic(Counters& sum) const {
  sum.bytes_in += bytes_in_;
  sum.bytes_out += transport_->sent_bytes();
  sum.messages_in += messages_in_;
  sum.messages_out += messages_out_;
}

void Session::go_on() {
  guarded([this] {
    if (stage_ == Stage::talking && has_room()) serve_writable();
    if (stage_ != Stage::talking || hold_ != Hold::turn) return;
    hold_ = Hold::none;
    if (is_leaving()) return close(leaving_for_, leaving_problem_);
    // While the client was not read from, it could not finish what it had begun.
    begun_ = context_.now;
    if (peer_ended_) {
      end_of_requests();
      return after_requests();
    }
    receive({});
    if (hold_ == Hold::none && stage_ == Stage::talking) transport_->resume();
    if (is_accounted_) mark_dirty();  // less may be left unread now
    after_requests();
  });
}

void Session::flush() {
  dirty_ = false;
  if (stage_ == Stage::terminated) return;
  guarded([this] {
    if (is_talking() && reason_ != CloseReason::none) return terminate(TerminateManner::quiet);
    if (torn_) return fail("a message could not be pushed");
    const bool listens = has_pusher_;
    const std::uint64_t sent_before = listens ? transport_->sent_bytes() : 0;
    transport_->flush();
    if (listens) {
      // Who is only ever pushed to is not idle while it takes what comes.
      if (stage_ == Stage::talking) static_cast<void>(catches_up());
      if (transport_->sent_bytes() != sent_before) last_activity_ = context_.now;
    }
    take_stock(false);
    after_output();
  });
}

// ---- Which protocol ----

// Told why, where that costs no wait; neither greeted nor heard by a service.
void Session::refuse(CloseReason reason) {
  if (listener_.service != nullptr) {
    if (listener_.protocol == ListenerProtocol::text) make_text_codec();
    if (listener_.protocol == ListenerProtocol::len32) make_len32_codec();
  }
  if (listener_.protocol == ListenerProtocol::framed) {
    make_framed_codec();
    say_hello();
  }
  close(reason);
}

void Session::detect_protocol(Bytes in) {
  if (prefix_bytes_ == 0) begun_ = context_.now;
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
  if (!channel_)
    return close(CloseReason::protocol_error, "this listener has no service for plain clients");
  make_text_codec();
  opened();
}

void Session::choose_len32() {
  if (!channel_)
    return close(CloseReason::protocol_error, "this listener has no service for plain clients");
  make_len32_codec();
  opened();
}

void Session::make_text_codec() {
  const auto message_bytes_max = static_cast<std::uint32_t>(context_.settings.limits.max_message);
  codec_.emplace<TextCodec>(context_.pool, listener_.service->text_rules, encoding_,
                            message_bytes_max);
}

void Session::make_len32_codec() {
  const auto message_bytes_max = static_cast<std::uint32_t>(context_.settings.limits.max_message);
  codec_.emplace<Len32Codec>(context_.pool, message_bytes_max);
}

void Session::make_framed_codec() {
  const auto payload_bytes_max = static_cast<std::uint32_t>(context_.settings.limits.max_message);
  codec_.emplace<FramedCodec>(context_.pool, payload_bytes_max);
}

void Session::choose_framed() {
  make_framed_codec();
  draining_ = context_.draining;
  say_hello();
  opened();
}

void Session::opened() {
  stage_ = Stage::talking;
  look_who_pushes();
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
// ---- The end ----

void Session::close(CloseReason reason, std::string_view problem) {
  if (!is_talking()) return;
  // A clean end would pass the part of a download for the whole.
  if (is_streaming() && reason != CloseReason::completed) return cut(reason);
  if (reason_ == CloseReason::none) reason_ = reason;
  if (outbox_) empty_outbox();  // while it is known whose messages are missing
  if (is_framed()) {
    if (channel_) channel_->refuse_owed(reason_);
    for (const auto& one : more_channels_) one->refuse_owed(reason_);
  }
  if (channel_) channel_->finish(reason_);
  for (const auto& one : more_channels_) one->finish(reason_);
  say_goodbye(problem);
  stage_ = Stage::finishing;
  last_activity_ = context_.now;
  // From now on it counts what the kernel takes, whatever its services were.
  if (has_pusher_) behind_since_ = queued_bytes() > 0 ? context_.now : kNever;
  transport_->finish_sending();
  transport_->resume();
  mark_dirty();
}

void Session::cut(CloseReason reason) {
  if (stage_ == Stage::terminated || stage_ == Stage::finished) return;
  if (reason_ == CloseReason::none) reason_ = reason;
  terminate(TerminateManner::reset);
}

void Session::linger() {
  if (context_.settings.timeouts.linger == Duration::zero()) {
    return terminate(TerminateManner::quiet);
  }
  if (codec() != nullptr) codec()->forget();
  stage_ = Stage::lingering;
  begun_ = last_activity_ = context_.now;
  auto& lingering = context_.lingering;
  if (lingering.size() >= kLingeringMax) lingering.front()->terminate(TerminateManner::reset);
  lingering.push_back(this);
}

void Session::terminate(TerminateManner manner) {
  if (stage_ == Stage::terminated || stage_ == Stage::finished) return;
  if (stage_ == Stage::lingering) std::erase(context_.lingering, this);
  stage_ = Stage::terminated;
  if (channel_) channel_->finish(reason_);
  for (const auto& one : more_channels_) one->finish(reason_);
  context_.wheel.cancel(*this);
  outbox_.reset();
  transport_->terminate(manner);
  account();
}

// The largest queues go first when all of them together are too large. A reset, because what is
// queued is the memory that is wanted back; whose end had begun already keeps its reason.
void Session::relieve() {
  ++context_.counters.relieved;
  guarded([this] { cut(CloseReason::slow_consumer); });
}

// ---- The log ----

std::string_view Session::protocol_name() const {
  constexpr std::array<std::string_view, 4> kNames{"undecided", "text", "len32", "framed"};
  return kNames[codec_.index()];
}

// Without memory the line is shorter, but it is not missing.
void Session::write_session_log() noexcept {
  if (!context_.session_log.enabled(Level::info)) return;
  const auto decided = encoding_.decided();
  std::string peer;
  try {
    peer = peer_.text();
  } catch (const std::bad_alloc&) {
  }
  context_.session_log.info(
      "session", {field("id", id_), field("listener", listener_.name), field("peer", peer),
                  field("protocol", protocol_name()),
                  field("encoding", decided ? name_of(*decided) : "undecided"),
                  field("reason", name_of(reason_)), field("ms", (context_.now - started_).count()),
                  field("bytes_in", bytes_in_), field("bytes_out", transport_->sent_bytes()),
                  field("messages_in", messages_in_), field("messages_out", messages_out_)});
}

}  // namespace fairlead
