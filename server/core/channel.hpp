// One conversation between a client and a service.
#pragma once

#include <cstdint>
#include <vector>

#include "common/protocol/frame.hpp"
#include "server/api/service.hpp"

namespace fairlead {

class ServiceInstance;
class Session;
class TextTemplate;

// A plain client's session has the one with id 0; a framed client opens more. Owned by its session,
// on whose thread it lives. Invariant: after close() nothing is sent and nothing is handed to the
// service.
class Channel final : public Peer {
 public:
  Channel(Session& session, ServiceInstance& instance, std::uint16_t id)
      : session_(session), instance_(instance), id_(id) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // The client can be spoken to: the greeting, and the service's own welcome.
  void open();

  // Hands one request to the service and sees to its one answer.
  void handle(const Frame& request, Encoding encoding);

  // The connection has room again and the service had asked for it.
  void on_writable();

  // The session ends, or the client has closed the channel.
  void finish(CloseReason reason) noexcept;

  void transcribe_connect();

  std::uint16_t id() const noexcept { return id_; }
  bool is_closed() const noexcept { return stage_ == Stage::closed; }
  bool wants_writable() const noexcept { return wants_writable_; }
  // Raw bytes are on their way, or about to be; only the service knows where they end.
  bool is_streaming() const noexcept { return is_streaming_; }
  // Its service speaks at any time.
  bool pushes() const noexcept;
  bool has_files() const noexcept;

  // What was put off gets no other answer any more.
  void refuse_owed(CloseReason reason);

  // Peer, for the service.
  void reply(Bytes payload) override;
  void reply_text(std::string_view utf8) override;
  void push(Bytes payload) override;
  void push_text(std::string_view utf8) override;
  std::uint32_t defer() override;
  void answer(std::uint32_t request, FrameType type, Bytes payload) override;
  void answer_part(std::uint32_t request, FrameType type, Bytes payload) override;
  void refuse(std::uint32_t request, CloseReason code, std::string_view why) override;
  std::size_t offer(std::uint32_t request, Bytes bytes) override;
  std::size_t offer_file(const FilePart& part) override;
  bool awaits_room() const noexcept override;
  void call_when_writable() noexcept override;
  void reject(const char* problem) override;
  void close(CloseReason reason) override;
  void cut(CloseReason reason) override;
  bool is_open() const noexcept override { return stage_ == Stage::open; }
  bool is_plain() const override;
  const PeerAddress& address() const override;
  std::uint64_t connection_id() const override;
  std::string_view text_of(const Message& message) override;

 private:
  enum class Stage : std::uint8_t { unopened, open, closed };

  void transcribe(const TextTemplate& line, std::string_view text, std::uint64_t len);
  Bytes encoded(std::string_view utf8);
  bool pay(std::uint32_t request);
  void close_after_enough();

  Session& session_;
  ServiceInstance& instance_;
  const Frame* request_ = nullptr;   // the one being handled, unanswered
  std::vector<std::uint32_t> owed_;  // requests whose answers were put off
  std::uint32_t messages_ = 0;       // saturates; for close_after
  std::uint16_t id_;
  Stage stage_ : 2 = Stage::unopened;
  bool wants_writable_ : 1 = false;
  bool is_streaming_ : 1 = false;
};

}  // namespace fairlead
