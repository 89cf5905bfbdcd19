#include "server/core/session.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "common/protocol/detect.hpp"
#include "common/protocol/limits.hpp"

namespace fairlead {
namespace {

// Sessions that wait for a FIN after ours; beyond, the oldest is reset.
constexpr std::size_t kLingeringMax = 1000;
constexpr std::uint64_t kLingerBytesMax = 64ULL * 1024 * 1024;

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
void Session::fail(const std::exception& failure) {
  context_.log.error("session failed", {field("id", id_), field("listener", listener_.name),
                                        field("what", failure.what())});
  try {
    close(CloseReason::internal_error);
  } catch (const std::exception&) {
    cut(CloseReason::internal_error);
  }
}

void Session::start(CloseReason refused) {
  transport_->start(*this);
  guarded([this, refused] {
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
  add_traffic(counters);
  is_counted_ = true;
  write_session_log();
  context_.finished.push_back(this);
}

void Session::add_traffic(Counters& sum) const {
  sum.bytes_in += bytes_in_;
  sum.bytes_out += transport_->sent_bytes();
  sum.messages_in += messages_in_;
  sum.messages_out += messages_out_;
}

void Session::go_on() {
  guarded([this] {
    if (stage_ != Stage::talking || hold_ != Hold::turn) return;
    hold_ = Hold::none;
    if (owes_stream()) {
      channel_->on_writable();
      if (stage_ != Stage::talking) return;
      if (owes_stream()) {
        hold(Hold::output);
        return after_requests();
      }
    }
    // While the client was not read from, it could not finish what it had begun.
    message_started_ = context_.now;
    if (peer_ended_) {
      end_of_requests();
      return after_requests();
    }
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

// ---- Which protocol ----

// Told why, where that costs no wait; neither greeted nor heard by a service.
void Session::refuse(CloseReason reason) {
  if (listener_.service != nullptr) {
    if (listener_.protocol == ListenerProtocol::text) make_text_codec();
    if (listener_.protocol == ListenerProtocol::len32) make_len32_codec();
  }
  close(reason);
}

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

void Session::choose_framed() {
  const auto payload_bytes_max = static_cast<std::uint32_t>(context_.settings.limits.max_message);
  codec_.emplace<FramedCodec>(context_.pool, payload_bytes_max);
  draining_ = context_.draining;
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
// ---- The end ----

void Session::close(CloseReason reason, std::string_view problem) {
  if (!is_talking()) return;
  // A clean end would pass the part of a download for the whole.
  if (channel_ && channel_->is_streaming() && reason != CloseReason::completed) return cut(reason);
  reason_ = reason;
  if (channel_) channel_->finish(reason);
  for (const auto& one : more_channels_) one->finish(reason);
  say_goodbye(problem);
  stage_ = Stage::finishing;
  last_activity_ = context_.now;
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
  if (context_.settings.timeouts.linger == Duration::zero()) {
    return terminate(TerminateManner::quiet);
  }
  if (codec() != nullptr) codec()->forget();
  stage_ = Stage::lingering;
  lingering_since_ = last_activity_ = context_.now;
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
