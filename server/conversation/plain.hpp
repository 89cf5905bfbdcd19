// text and len32: one channel, one reply to each message, in the client's own encoding.
#pragma once

#include <memory>
#include <variant>

#include "common/protocol/len32_codec.hpp"
#include "common/protocol/text_codec.hpp"
#include "common/text/client_encoding.hpp"
#include "server/conversation/request_conversation.hpp"

namespace fairlead {

class PlainConversation final : public RequestConversation {
 public:
  enum class Protocol : std::uint8_t { text, len32 };

  // The connection's listener has a service.
  PlainConversation(Connection& connection, Protocol protocol);
  PlainConversation(Connection& connection, const SessionState& state);

  void on_open() override { channel_.open(); }
  void on_drain() override {}  // served on until evicted: there is nothing to tell it by
  void say_goodbye(CloseReason reason, std::string_view problem) override;
  void on_closed(CloseReason reason) noexcept override { channel_.finish(reason); }
  void on_moved() noexcept override { channel_.leave(); }

  ConversationKind kind() const noexcept override {
    return codec_.index() == 0 ? ConversationKind::text : ConversationKind::len32;
  }
  std::optional<Encoding> encoding() const noexcept override { return encoding_.decided(); }
  Duration pause() const noexcept override { return settings().text_rules.pause; }
  bool must_reset() const noexcept override { return channel_.is_streaming(); }

  std::size_t write_body(std::uint16_t channel, std::uint32_t request, Bytes bytes) override;
  LineEnd own_line_end() const noexcept override;
  Encoding reply_encoding() const noexcept override { return encoding_.reply_encoding(); }

 private:
  const Codec& codec() const noexcept override;
  bool can_channels_move() const noexcept override { return channel_.can_move(); }
  void save_protocol(SessionState& state) const override;
  void on_request(const Frame& frame) override;
  bool awaits_replies() const noexcept override { return pending_replies() > 0; }
  Channel* next_waiting_channel(bool& more) override;

  const ServiceSettings& settings() const noexcept { return channel_.instance().settings(); }

  Channel channel_;
  ClientEncoding encoding_;
  std::variant<TextCodec, Len32Codec> codec_;
};

}  // namespace fairlead
