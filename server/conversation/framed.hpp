// framed: channels to several services over one connection, requests by number, and an end that
// says what was answered.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/protocol/framed_codec.hpp"
#include "server/conversation/request_conversation.hpp"

namespace fairlead {

class FramedConversation final : public RequestConversation {
 public:
  explicit FramedConversation(Connection& connection);
  FramedConversation(Connection& connection, const SessionState& state);

  void on_open() override;
  void on_drain() override;
  void say_goodbye(CloseReason reason, std::string_view problem) override;
  void on_closed(CloseReason reason) noexcept override;
  void on_moved() noexcept override;

  ConversationKind kind() const noexcept override { return ConversationKind::framed; }
  Duration pause() const noexcept override { return Duration::zero(); }  // no silence ends a frame

  std::size_t write_body(std::uint16_t channel, std::uint32_t request, Bytes bytes) override;

 private:
  const Codec& codec() const noexcept override { return codec_; }
  bool can_channels_move() const noexcept override;
  void save_protocol(SessionState& state) const override;
  void on_request(const Frame& frame) override;
  void on_decoded() override { remove_closed_channels(); }
  bool awaits_replies() const noexcept override;
  Channel* next_waiting_channel(bool& more) override;
  bool is_draining() const noexcept override { return is_draining_; }

  void on_hello(const Frame& frame);
  void on_open_request(const Frame& frame);
  void on_close(const Frame& frame);
  void on_ping(const Frame& frame);
  void on_message(const Frame& frame);

  bool take_request_id(std::uint32_t id);
  Channel* find_channel(std::uint16_t id);
  void remove_closed_channels();
  template <class Visit>
  void for_each_channel(Visit&& visit);

  void say_hello();
  void say_goaway(CloseReason reason);

  FramedCodec codec_;
  std::optional<Channel> default_channel_;  // number 0: the listener's own service, if it has one
  std::vector<std::unique_ptr<Channel>> channels_;  // that the client has opened
  std::uint32_t last_request_id_ = 0;
  std::uint16_t last_served_ = 0;  // the channel that has had the last turn
  bool is_hello_said_ : 1 = false;
  bool is_hello_allowed_ : 1 = true;  // the client's: before any other frame
  bool is_draining_ : 1 = false;
};

}  // namespace fairlead
