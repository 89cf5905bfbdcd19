// What is said over one connection. The connection below it knows no protocol; the conversation
// knows neither stream nor timer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/protocol/close_reason.hpp"
#include "common/text/encoding.hpp"
#include "server/core/deadlines.hpp"

namespace fairlead {

class Connection;
struct SessionState;

enum class ConversationKind : std::uint8_t { undecided, text, len32, framed };
constexpr std::string_view name_of(ConversationKind kind) noexcept {
  constexpr std::string_view kNames[] = {"undecided", "text", "len32", "framed"};
  return kNames[static_cast<std::size_t>(kind)];
}

// Owned by its connection; called on the shard's thread, within a turn. An exception out of an
// event ends the connection as internal_error.
class Conversation {
 public:
  virtual ~Conversation() = default;
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // ---- Events while the connection is open. The first is on_open.

  virtual void on_open() = 0;
  virtual void on_bytes(Bytes bytes) = 0;
  // The peer has ended its sending side.
  virtual void on_end() = 0;
  // The greeting or the pause is due: probe before the silence is believed.
  virtual void on_pause() = 0;
  // The answer to Connection::probe(): all that the peer had sent has been delivered.
  virtual void on_silence() = 0;
  // Some of what waited has left, or could have.
  virtual void on_output() = 0;
  // The answer to Connection::request_turn().
  virtual void on_turn() = 0;
  // The daemon is to stop. A conversation that can say so ends once it has handled what it had
  // received; any other goes on.
  virtual void on_drain() = 0;
  // Connection::evicted_for() is set: the conversation ends once it has handled what it had
  // received.
  virtual void on_evict() = 0;

  // ---- The end. The connection closes: says why, where the peer can tell it from a reply.

  virtual void say_goodbye(CloseReason reason, std::string_view problem) = 0;
  // Nothing will be read any more: gives back what has been kept.
  virtual void forget_input() noexcept = 0;
  // The connection is gone. Called once, also where nothing could be said.
  virtual void on_closed(CloseReason reason) noexcept = 0;

  // ---- An upgrade (docs/decisions/0016): it is to go on in another process.

  // False: a request is being executed, or it knows what save() cannot tell. Once it was asked for
  // a move, it hears of nothing before on_moved or on_stayed.
  virtual bool can_move() const noexcept = 0;
  virtual void save(SessionState& state) const = 0;
  // In place of on_closed.
  virtual void on_moved() noexcept = 0;
  // It goes on here after all, where it was. It is being read from.
  virtual void on_stayed() = 0;
  // In place of on_open, in the other process.
  virtual void on_taken_over(const SessionState& state) = 0;

  // ---- Questions

  virtual ConversationKind kind() const noexcept = 0;
  virtual std::optional<Encoding> encoding() const noexcept { return std::nullopt; }

  // Fills in message_since, ungreeted_since and silent_since, and takes out idle_since while it is
  // our turn to speak.
  virtual void add_clocks(Clocks& clocks) const noexcept = 0;
  // How long a silence must be to end a message.
  virtual Duration pause() const noexcept = 0;

  // What has arrived and is not parsed, in bytes.
  virtual std::size_t unparsed_bytes() const noexcept = 0;
  // Memory of what has arrived and waits unread for room in the output queue, in bytes.
  virtual std::size_t unread_memory() const noexcept = 0;
  // A clean end would be taken for the whole of what is being sent: only a reset tells the peer.
  virtual bool must_reset() const noexcept { return false; }

 protected:
  Conversation() = default;
};

// Begins what a connection of a shard says, or goes on where another process has saved it. The
// connection owns the conversation and outlives it.
using BeginConversation = std::unique_ptr<Conversation> (*)(Connection&,
                                                            const SessionState* taken_over);

}  // namespace fairlead
