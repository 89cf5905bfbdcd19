#include "server/conversation/plain.hpp"

#include <string>

namespace fairlead {
namespace {

std::variant<TextCodec, Len32Codec> make_codec(BufferPool& pool, const ServiceSettings& service,
                                               const ClientEncoding& encoding,
                                               PlainConversation::Protocol protocol,
                                               std::uint32_t message_bytes_max) {
  using Codecs = std::variant<TextCodec, Len32Codec>;
  if (protocol == PlainConversation::Protocol::len32)
    return Codecs(std::in_place_type<Len32Codec>, pool, message_bytes_max);
  return Codecs(std::in_place_type<TextCodec>, pool, service.text_rules, encoding,
                message_bytes_max);
}

}  // namespace

PlainConversation::PlainConversation(Connection& connection, Protocol protocol)
    : RequestConversation(connection),
      channel_(*this, *connection.offer().default_service, 0),
      encoding_(settings().encoding),
      codec_(make_codec(connection.context().pool, settings(), encoding_, protocol,
                        connection.message_bytes_max())) {}

PlainConversation::PlainConversation(Connection& connection, const SessionState& state)
    : RequestConversation(connection),
      channel_(*this, connection.offer().any_service(state.channels.front().service), 0),
      encoding_(settings().encoding),
      codec_(make_codec(
          connection.context().pool, settings(), encoding_,
          state.protocol == SessionState::Protocol::text ? Protocol::text : Protocol::len32,
          state.message_bytes_max)) {
  encoding_.go_on_with(state.encoding);
  channel_.go_on(state.channels.front());
}

void PlainConversation::save_protocol(SessionState& state) const {
  state.protocol = is_text() ? SessionState::Protocol::text : SessionState::Protocol::len32;
  state.encoding = encoding_.decided();
  state.channels = {channel_.save()};
}

const Codec& PlainConversation::codec() const noexcept {
  if (const auto* text = std::get_if<TextCodec>(&codec_)) return *text;
  return *std::get_if<Len32Codec>(&codec_);
}

void PlainConversation::on_request(const Frame& frame) {
  connection().count_message_in();
  const Encoding encoding = encoding_.observe(frame.payload);
  if (channel_.is_open()) channel_.handle(frame, encoding);
}

Channel* PlainConversation::next_waiting_channel(bool& more) {
  more = false;
  return channel_.wants_turn() ? &channel_ : nullptr;
}

std::size_t PlainConversation::write_body(std::uint16_t, std::uint32_t, Bytes bytes) {
  return connection().write_through({&bytes, 1});
}

LineEnd PlainConversation::own_line_end() const noexcept {
  const bool lines = is_text() && settings().text_rules.boundary == Boundary::line;
  return lines ? LineEnd::lf : LineEnd::none;
}

// Endings that a plain client could not tell from a healthy one are told by a line. A time-out or a
// drain is an end like any other: a line would be taken for a reply.
void PlainConversation::say_goodbye(CloseReason reason, std::string_view) {
  channel_.finish(reason);
  if (!is_written_to_plain_clients(reason)) return;
  std::string line = "error: ";
  line += name_of(reason);
  line += ": ";
  line += explanation_of(reason);
  send({.line_end = is_text() ? LineEnd::lf : LineEnd::none, .payload = line});
}

}  // namespace fairlead
