// One dialogue between a client and a service: the Peer that the service talks to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/protocol/frame.hpp"
#include "server/api/service.hpp"
#include "server/core/service_instance.hpp"
#include "server/handover/state.hpp"

namespace fairlead {

class RequestConversation;

// A plain client has the one with id 0; a framed client opens more. Owned by its conversation, on
// whose thread it lives. Invariant: once closed, nothing is sent and nothing is handed to the
// service.
class Channel final : public Peer {
 public:
  Channel(RequestConversation& conversation, ServiceInstance& instance, std::uint16_t id)
      : conversation_(conversation), instance_(instance), id_(id) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // The client can be spoken to: the greeting, and the service's own welcome.
  void open();
  // Hands one request to the service and sees to its one reply.
  void handle(const Frame& request, Encoding encoding);
  // A turn in which nothing waits to be sent: the body goes on, or the service does.
  void take_turn();
  // Every pending reply becomes this error.
  void refuse_pending(CloseReason reason);
  // The connection ends, or the client has closed the channel.
  void finish(CloseReason reason) noexcept;

  // ---- An upgrade.

  // Nothing is being done for it.
  bool can_move() const noexcept;
  ChannelState save() const;
  void leave() noexcept;  // to another process
  // It is open, as another process has saved it.
  void go_on(const ChannelState& saved) noexcept;

  std::uint16_t id() const noexcept { return id_; }
  bool wants_turn() const noexcept { return wants_turn_; }
  // Raw bytes are on their way, or about to be; only the service knows where they end.
  bool is_streaming() const noexcept { return is_streaming_; }
  bool has_files() const noexcept { return instance_.service().has_files(); }
  ServiceInstance& instance() const noexcept { return instance_; }

  // Peer, for the service.
  void reply(Bytes payload) override;
  void reply_text(std::string_view utf8) override;
  std::uint32_t defer() override;
  void answer(std::uint32_t request, FrameType type, Bytes payload) override;
  void answer_part(std::uint32_t request, FrameType type, Bytes payload) override;
  void refuse(std::uint32_t request, RequestError error, std::string_view sentence) override;
  void send_body(std::uint32_t request, std::unique_ptr<BodySource> body) override;
  void call_when_writable() noexcept override;
  void reject(const char* problem) override;
  void close(CloseReason reason) override;
  void cut(CloseReason reason) override;
  bool is_open() const noexcept override { return stage_ == Stage::open; }
  bool is_plain() const override;
  const PeerAddress& address() const override;
  PeerAddress told_address() const override;
  std::uint64_t connection_id() const override;
  std::string_view text_of(const Message& message) override;

 private:
  enum class Stage : std::uint8_t { unopened, open, closed };
  // What only few channels need.
  struct Deferred {
    std::vector<std::uint32_t> pending;  // requests whose replies were put off
    std::unique_ptr<BodySource> body;
    std::uint32_t body_request = 0;
  };

  void send_unasked(Bytes payload);
  Bytes encoded(std::string_view utf8);
  bool settle(std::uint32_t request);
  void close_after_enough();
  std::size_t pending_replies() const noexcept { return deferred_ ? deferred_->pending.size() : 0; }
  bool has_body() const noexcept { return deferred_ && deferred_->body; }
  void pull_body();
  std::optional<std::size_t> write_piece(const BodySource::Piece& piece);

  RequestConversation& conversation_;
  ServiceInstance& instance_;
  const Frame* request_ = nullptr;      // the one being handled, unanswered
  std::unique_ptr<Deferred> deferred_;  // null until the first reply was put off
  std::uint32_t messages_ = 0;          // saturates; for close_after
  const std::uint16_t id_;
  Stage stage_ : 2 = Stage::unopened;
  bool wants_turn_ : 1 = false;
  bool is_streaming_ : 1 = false;
};

}  // namespace fairlead
