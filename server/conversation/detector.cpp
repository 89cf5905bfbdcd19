#include "server/conversation/detector.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "server/conversation/framed.hpp"
#include "server/conversation/plain.hpp"
#include "server/handover/state.hpp"

namespace fairlead {
namespace {

// A listener that only framed clients can use has no service that says what a pause is. It ends an
// undecided prefix.
constexpr Duration kPauseWithoutService{20};

// What a TLS client is told, in the one language it speaks: alert(21), TLS 1.2, fatal(2),
// handshake_failure(40) (RFC 5246, 7.2; RFC 8446, appendix D.4 keeps the record's version).
constexpr Bytes kTlsHandshakeFailure{"\x15\x03\x03\x00\x02\x02\x28", 7};

}  // namespace

Detected ProtocolDetector::feed(Bytes in) noexcept {
  std::array<char, 8> first{};
  std::copy_n(prefix_.begin(), size_, first.begin());
  const std::size_t taken = std::min(in.size(), prefix_.size());
  std::copy_n(in.begin(), taken, first.begin() + size_);
  const Detected detected = detect({first.data(), size_ + taken});
  if (detected == Detected::undecided) {
    std::copy_n(in.begin(), in.size(), prefix_.begin() + size_);
    size_ = static_cast<std::uint8_t>(size_ + in.size());
  }
  return detected;
}

std::unique_ptr<Conversation> begin_conversation(Connection& connection,
                                                 const SessionState* taken_over) {
  if (taken_over == nullptr) return std::make_unique<DetectingConversation>(connection);
  switch (taken_over->protocol) {
    case SessionState::Protocol::text:
    case SessionState::Protocol::len32:
      return std::make_unique<PlainConversation>(connection, *taken_over);
    case SessionState::Protocol::framed:
      return std::make_unique<FramedConversation>(connection, *taken_over);
    case SessionState::Protocol::undecided:
      break;
  }
  return std::make_unique<DetectingConversation>(connection, *taken_over);
}

DetectingConversation::DetectingConversation(Connection& connection)
    : connection_(connection),
      service_(connection.offer().default_service),
      message_since_(connection.context().now),
      last_received_(connection.context().now) {}

DetectingConversation::DetectingConversation(Connection& connection, const SessionState& state)
    : DetectingConversation(connection) {
  const TimePoint now = connection.context().now;
  message_since_ = now - state.message_age;
  last_received_ = now - state.since_received;
  detector_.go_on_behind(state.input);
  is_transcribed_ = service_ != nullptr;
}

void DetectingConversation::save(SessionState& state) const {
  const TimePoint now = connection_.context().now;
  state.protocol = SessionState::Protocol::undecided;
  state.message_age = now - message_since_;
  state.since_received = now - last_received_;
  state.input = detector_.prefix();
}

void DetectingConversation::on_open() {
  if (service_ != nullptr) {
    is_transcribed_ = true;
    service_->transcribe_connect({connection_.told_peer(), connection_.id()});
  }
  if (connection_.listener().protocol == ListenerProtocol::text) hand_over(Detected::text, {});
  if (connection_.listener().protocol == ListenerProtocol::len32) hand_over(Detected::len32, {});
}

void DetectingConversation::on_bytes(Bytes bytes) {
  last_received_ = connection_.context().now;
  is_probing_ = false;
  if (detector_.prefix().empty()) message_since_ = connection_.context().now;
  const Detected detected = detector_.feed(bytes);
  if (detected != Detected::undecided) return decide(detected, bytes);
  end_if_evicted();
}

void DetectingConversation::decide(Detected protocol, Bytes in) {
  const bool is_framed_only = connection_.listener().protocol == ListenerProtocol::framed;
  if (is_framed_only && protocol != Detected::framed)
    return connection_.close(CloseReason::protocol_error, "bad preface");
  if (protocol == Detected::tls) {
    connection_.queue([](ByteSink& out) { out.send(kTlsHandshakeFailure); });
    return connection_.close(CloseReason::protocol_error, "TLS is not spoken here");
  }
  hand_over(protocol, in);
}

// The prefix and what has come behind it are one delivery.
void DetectingConversation::hand_over(Detected protocol, Bytes in) {
  std::unique_ptr<Conversation> next = make(protocol);
  if (!next) {
    return connection_.close(CloseReason::protocol_error,
                             "this listener has no service for plain clients");
  }
  std::string joined;
  if (!detector_.prefix().empty()) in = joined.assign(detector_.prefix()).append(in);
  Conversation& conversation = *next;
  is_transcribed_ = false;  // the channel says that it closes
  connection_.hand_over(std::move(next));
  conversation.on_open();
  if (!in.empty() && connection_.is_open()) conversation.on_bytes(in);
}

// Null: there is no service for it.
std::unique_ptr<Conversation> DetectingConversation::make(Detected protocol) {
  using Plain = PlainConversation;
  if (protocol == Detected::framed) return std::make_unique<FramedConversation>(connection_);
  if (service_ == nullptr) return nullptr;
  return std::make_unique<Plain>(
      connection_, protocol == Detected::len32 ? Plain::Protocol::len32 : Plain::Protocol::text);
}

void DetectingConversation::on_end() {
  is_probing_ = false;
  if (!may_be_text()) {
    return connection_.close(connection_.has_heard() ? CloseReason::peer_closed
                                                     : CloseReason::eof_before_data);
  }
  hand_over(Detected::text, {});
  if (connection_.is_open()) connection_.conversation().on_end();
}

// ---- Silences ----

void DetectingConversation::on_pause() {
  is_probing_ = true;
  connection_.probe();
}

void DetectingConversation::on_silence() {
  if (!std::exchange(is_probing_, false)) return end_if_evicted();
  const bool had_prefix = may_be_text();
  hand_over(Detected::text, {});
  // The silence that decided also ends the message that the prefix is.
  if (had_prefix && connection_.is_open()) connection_.conversation().on_pause();
}

void DetectingConversation::add_clocks(Clocks& clocks) const noexcept {
  if (detector_.prefix().empty()) {
    if (may_be_greeted() && !is_probing_) clocks.ungreeted_since = connection_.started();
    return;
  }
  clocks.message_since = message_since_;
  if (is_automatic() && !is_probing_) clocks.silent_since = last_received_;
}

Duration DetectingConversation::pause() const noexcept {
  return service_ != nullptr ? service_->settings().text_rules.pause : kPauseWithoutService;
}

bool DetectingConversation::is_automatic() const noexcept {
  return connection_.listener().protocol == ListenerProtocol::automatic;
}

bool DetectingConversation::may_be_greeted() const noexcept {
  return is_automatic() && service_ != nullptr && !service_->settings().greeting.empty();
}

// ---- The end ----

// All that was received has been handled, when it is a message that has no end of its own.
void DetectingConversation::end_if_evicted() {
  const CloseReason evicted_for = connection_.evicted_for();
  if (evicted_for == CloseReason::none) return;
  if (!may_be_text()) return connection_.close(evicted_for);
  hand_over(Detected::text, {});
  if (connection_.is_open()) connection_.conversation().on_silence();
}

// A client that is refused learns why, where the listener alone tells how to say it.
void DetectingConversation::say_goodbye(CloseReason reason, std::string_view problem) {
  if (!is_refusal(reason)) return;
  std::unique_ptr<Conversation> told;
  switch (connection_.listener().protocol) {
    case ListenerProtocol::automatic:
      return;
    case ListenerProtocol::text:
      told = make(Detected::text);
      break;
    case ListenerProtocol::len32:
      told = make(Detected::len32);
      break;
    case ListenerProtocol::framed:
      told = make(Detected::framed);
      break;
  }
  if (!told) return;
  Conversation& conversation = *told;
  connection_.hand_over(std::move(told));
  conversation.say_goodbye(reason, problem);
}

void DetectingConversation::on_closed(CloseReason) noexcept {
  if (std::exchange(is_transcribed_, false))
    service_->transcribe_close({connection_.told_peer(), connection_.id()});
}

}  // namespace fairlead
