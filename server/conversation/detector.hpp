// The first thing on every connection: finds out which protocol the client speaks, at the earliest
// byte, and hands over to its conversation with no byte lost.
#pragma once

#include <array>
#include <memory>

#include "common/protocol/detect.hpp"
#include "server/core/connection.hpp"
#include "server/core/conversation.hpp"

namespace fairlead {

// The bytes of a client until its protocol is known. Pure.
class ProtocolDetector {
 public:
  // `in` follows what came before. undecided: it is kept.
  Detected feed(Bytes in) noexcept;

  // Begins behind this prefix, which was undecided elsewhere; what is longer is none.
  void go_on_behind(Bytes prefix) noexcept { feed(prefix.substr(0, 3)); }

  // What is kept of an undecided client: up to three bytes.
  Bytes prefix() const noexcept { return {prefix_.data(), size_}; }

 private:
  std::array<char, 4> prefix_{};
  std::uint8_t size_ = 0;
};

// Owned by its connection until it hands over. A listener that speaks text or len32 only needs no
// byte to be decided.
class DetectingConversation final : public Conversation {
 public:
  explicit DetectingConversation(Connection& connection);
  DetectingConversation(Connection& connection, const SessionState& state);

  void on_open() override;
  void on_bytes(Bytes bytes) override;
  void on_end() override;
  void on_pause() override;
  void on_silence() override;
  void on_output() override {}
  void on_turn() override {}
  void on_drain() override {}  // told when it has shown itself to be framed
  void on_evict() override { connection_.probe(); }

  void say_goodbye(CloseReason reason, std::string_view problem) override;
  void forget_input() noexcept override {}
  void on_closed(CloseReason reason) noexcept override;

  bool can_move() const noexcept override { return !is_probing_; }
  void save(SessionState& state) const override;
  void on_moved() noexcept override {}
  void on_stayed() override {}
  void on_taken_over(const SessionState&) override {}

  ConversationKind kind() const noexcept override { return ConversationKind::undecided; }
  void add_clocks(Clocks& clocks) const noexcept override;
  Duration pause() const noexcept override;
  std::size_t unparsed_bytes() const noexcept override { return detector_.prefix().size(); }
  std::size_t unread_memory() const noexcept override { return 0; }

 private:
  std::unique_ptr<Conversation> make(Detected protocol);
  void decide(Detected protocol, Bytes in);
  void hand_over(Detected protocol, Bytes in);
  bool is_automatic() const noexcept;
  bool may_be_text() const noexcept { return is_automatic() && !detector_.prefix().empty(); }
  bool may_be_greeted() const noexcept;
  void end_if_evicted();

  Connection& connection_;
  ServiceInstance* const service_;  // the listener's default; null: there is none
  TimePoint message_since_;
  TimePoint last_received_;
  ProtocolDetector detector_;
  bool is_probing_ = false;
  bool is_transcribed_ = false;  // that it connected, and not yet that it closed
};

// What Shard::Environment asks for.
std::unique_ptr<Conversation> begin_conversation(Connection& connection,
                                                 const SessionState* taken_over);

}  // namespace fairlead
