// A connection that sends messages and checks what is said to them.
#pragma once

#include <cstdint>

#include "client/bench/engine/request_connection.hpp"

namespace fairlead {

// The modes reply, conn, greet and idle; idle never has an operation.
class MessageConnection final : public RequestConnection {
 public:
  MessageConnection(BenchScope& scope, std::uint32_t index) : RequestConnection(scope, index) {}

 private:
  // RequestConnection.
  std::uint32_t send_request(std::uint64_t of_connection) override;
  std::size_t request_bytes_max() const noexcept override { return plan().messages.bytes_max(); }
  bool sends() const override { return plan().has_message; }
  bool awaits_reply() const override;
  void on_first_request() override { received_ = 0; }

  // BenchConnection.
  void on_reply(const Frame& frame) override;
  bool is_within_reply() const override { return received_ > 0; }

  bool is_greeted() const noexcept { return plan().load.mode == BenchMode::greet; }
  Bytes message_of(std::uint64_t of_connection, std::string& scratch) const {
    if (!plan().has_message) return {};
    return plan().messages.message(plan().key(index(), of_connection), scratch);
  }
  void on_stream(Bytes delivery);
  void on_framed(const Frame& frame);
  void on_whole(std::size_t which, Bytes reply);
  void on_unasked(Bytes came);
  void wrong(MismatchKind kind, std::size_t which, Bytes came);
  bool belongs_to_another(Bytes came);

  std::uint64_t received_ = 0;  // bytes of the oldest reply
};

}  // namespace fairlead
