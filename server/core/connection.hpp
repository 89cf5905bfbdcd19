// One connection, from its first byte to the one reason for which it ended: the stream, what waits
// to be written, the deadlines, the traffic and the log line. What is said over it is its
// conversation's. Sans-IO: bytes come from a ByteStream, time from the shard's turn, and both can
// be a test's.
//
// clang-format off
//   open ────────▶ finishing ─────────▶ lingering ───────▶ closed ────────▶ finished
//   it is talked   what is queued       our FIN is out,    the stream is    to be freed
//   over           leaves, then a FIN   theirs is awaited  closing down
//
//   open ◀───────▶ moving ───────────▶ closed   (connection_moves.cpp)
//                  it may go on in another process
// clang-format on
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "common/base/timer_wheel.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/output_queue.hpp"
#include "common/protocol/close_reason.hpp"
#include "server/core/admission.hpp"
#include "server/core/conversation.hpp"
#include "server/core/service_set.hpp"
#include "server/core/shard_context.hpp"

namespace fairlead {

struct SessionState;  // server/handover/state.hpp

// Owned by its shard's table and touched by its thread only; freed at the end of the turn in which
// its stream has reported on_finished.
//
// Invariants: the wheel entry never lies later than the earliest deadline; once reason() is set,
// no more input is served (one refused at accept has its reason from the start, and stays open
// until its goodbye is queued); a partly queued message is the last thing queued.
class Connection final : public WheelEntry, private StreamObserver {
 public:
  // `id` is unique in the daemon; `slot` is the table's. One that is refused is told why and
  // closed.
  Connection(ShardContext& context, std::unique_ptr<ByteStream> stream, OfferSnapshot offer,
             const PeerAddress& peer, std::uint64_t id, std::uint32_t slot,
             Admission::Answer admission);
  // Goes on where another process has saved it.
  Connection(ShardContext& context, std::unique_ptr<ByteStream> stream, OfferSnapshot offer,
             const SessionState& state, std::uint32_t slot, AdmissionUnit unit);
  ~Connection();

  // ---- For the shard, each within a turn.

  void start();
  void on_due();     // the wheel entry has come
  void take_turn();  // the answer to request_turn()
  void flush();
  void begin_drain();
  void evict(CloseReason reason);        // handle what was received, then end
  void shed();                           // memory is short, and this queue is the largest
  void refresh(bool with_user_timeout);  // what is in force for everybody has changed

  // ---- An upgrade takes it to another process.

  // Halts it. False: it cannot go now, and nothing was done.
  bool begin_move();
  // True: nothing of it is touched any more, and save() tells all. What happens before that ends
  // the move.
  bool is_ready_to_move() const noexcept { return stage_ == Stage::moving && is_halted_; }
  bool is_moving() const noexcept { return stage_ == Stage::moving; }
  // Lent: it is ready to move.
  int descriptor() const { return stream_->descriptor(); }
  SessionState save() const;
  // It has gone, or has not. `for_good`: it is not asked before ask_again().
  void leave();
  void stay(bool for_good);
  void ask_again() noexcept { is_staying_ = false; }
  // What was saved goes on here.
  void go_on(const SessionState& state);
  // What save() would carry along, in bytes.
  std::size_t carried_bytes() const noexcept {
    return output_.bytes() + conversation_->unparsed_bytes();
  }

  // ---- For the conversation.

  // Another conversation takes over; the old one is destroyed at the end of the turn.
  void hand_over(std::unique_ptr<Conversation> successor);

  // Appends to the queue what `write(ByteSink&)` writes; it leaves at the end of the turn. Ignored
  // once nothing may follow. An exception out of `write` leaves a part behind: the end follows.
  template <class Write>
  void queue(Write&& write) {
    if (!may_queue()) return;
    mark_dirty();
    has_partial_message_ = true;
    write(output_);
    has_partial_message_ = false;
    // The peer may take all that is new, but not where something waits already.
    if (is_accounted_) account();
  }
  // Past the queue. How many bytes are on their way; nothing where the stream cannot send a part of
  // a file by itself. Where it took fewer than all, the conversation is told by on_output when
  // there is room.
  std::size_t write_through(std::span<const Bytes> pieces);
  std::optional<std::size_t> write_through(const FilePart& part);

  // Asks for one on_turn, in one of the next turns.
  void request_turn() noexcept;
  // Asks for one on_output at the end of this turn, at the latest. From any turn of the shard.
  void mark_dirty() noexcept;

  void pause() { stream_->pause(); }  // reads no more
  void resume() { stream_->resume(); }
  // Answered by on_silence where nothing has arrived, within this call or later.
  void probe() { stream_->probe(); }

  // Ends it: goodbye, flush, FIN, linger. The first reason stands.
  void close(CloseReason reason, std::string_view problem = {});
  // Ends it by a reset, at once.
  void cut(CloseReason reason);

  void touch() noexcept { last_activity_ = context_.now; }
  void count_message_in() noexcept { ++messages_in_; }
  void count_message_out() noexcept { ++messages_out_; }

  // ---- Questions

  Conversation& conversation() const noexcept { return *conversation_; }
  ShardContext& context() const noexcept { return context_; }
  const ListenerOffer& offer() const noexcept { return *offer_; }
  const ListenerSettings& listener() const noexcept { return offer_->listener; }
  const PeerAddress& peer() const noexcept { return peer_; }
  // As transcripts may tell it.
  PeerAddress told_peer() const noexcept {
    return fairlead::told_peer(peer_, context_.settings->log.peer);
  }
  std::uint32_t message_bytes_max() const noexcept {
    return static_cast<std::uint32_t>(offer_->settings.message_bytes_max(listener()));
  }
  std::uint64_t id() const noexcept { return id_; }
  std::uint32_t slot() const noexcept { return slot_; }
  TimePoint started() const noexcept { return started_; }
  CloseReason reason() const noexcept { return reason_; }
  CloseReason evicted_for() const noexcept { return evicted_for_; }  // none: it is not
  ConversationKind kind() const noexcept { return conversation_->kind(); }
  std::size_t queued_bytes() const noexcept { return output_.bytes(); }
  bool has_room() const noexcept { return output_.empty() && !output_.is_waiting(); }
  bool may_queue() const noexcept { return is_open() && !has_partial_message_; }
  bool is_open() const noexcept { return stage_ == Stage::open && !is_ending_; }
  bool is_finished() const noexcept { return stage_ == Stage::finished; }
  bool has_ended() const noexcept { return stage_ >= Stage::closed; }
  bool peer_has_ended() const noexcept { return peer_ended_; }
  bool has_heard() const noexcept { return bytes_in_ > 0; }

  bool is_listed() const noexcept { return is_dirty_ || is_turn_requested_; }
  bool is_counted() const noexcept { return is_counted_; }  // in the shard's counters, by its end
  void add_traffic(Counters& sum) const {
    sum.bytes_in += bytes_in_;
    sum.bytes_out += output_.written_bytes();
    sum.messages_in += messages_in_;
    sum.messages_out += messages_out_;
  }

 private:
  enum class Stage : std::uint8_t { open, moving, finishing, lingering, closed, finished };
  enum class Progress : std::uint8_t { none, some };

  // StreamObserver.
  void on_bytes(Bytes bytes) override;
  void on_end() override;
  void on_silence() override;
  void on_written(std::size_t size) override;
  void on_error(StreamError error) override;
  void on_finished() override;
  void on_halted() override;

  // Every entry runs so: an exception ends this connection alone, and the wheel entry is right
  // afterwards.
  template <class Work>
  void guarded(Work&& work) {
    try {
      work();
    } catch (const std::exception& failure) {
      fail(failure.what());
    } catch (...) {
      fail("no std::exception");
    }
    rearm();
  }
  void fail(const char* what) noexcept;

  void count_end();
  void end_move();
  void write(Progress progress);
  void after_output();
  std::size_t note_written_through(std::size_t taken, std::size_t of);
  void end_later(CloseReason reason, TerminateManner manner);
  void linger();
  void terminate(TerminateManner manner);
  void on_expired(Expiry what);
  bool peer_took(std::uint32_t bytes_min);
  void cut_slow_reader() {
    cut(evicted_for_ != CloseReason::none ? evicted_for_ : CloseReason::write_timeout);
  }
  Clocks clocks() const noexcept;
  std::array<Deadline, kExpiryCount> deadlines() const noexcept;
  void rearm();
  void account() noexcept;
  void write_log_line() noexcept;

  // What every message touches comes first, so that ten thousand connections cost fewer cache
  // misses.
  ShardContext& context_;
  const OfferSnapshot offer_;  // outlives the conversation, which uses its services
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<Conversation> conversation_;
  OutputQueue output_;
  TimePoint last_activity_;  // received, or taken by a peer for whom something waited
  TimePoint write_blocked_since_ = kNever;  // something waits, and the peer has taken nothing of it
  std::uint64_t bytes_in_ = 0;
  std::uint64_t messages_in_ = 0, messages_out_ = 0;
  Stage stage_ = Stage::open;
  CloseReason reason_ = CloseReason::none;
  CloseReason evicted_for_ = CloseReason::none;
  TerminateManner ending_manner_ = TerminateManner::quiet;
  bool is_ending_ : 1 = false;  // terminated at the end of the turn
  bool peer_ended_ : 1 = false;
  bool has_partial_message_ : 1 = false;
  bool is_dirty_ : 1 = false;           // has a place in ShardContext::dirty
  bool is_turn_requested_ : 1 = false;  // has a place in ShardContext::deferred
  bool is_accounted_ : 1 = false;       // has something in ShardContext::output
  bool is_counted_ : 1 = false;
  bool is_halted_ : 1 = false;       // while it is moving
  bool is_staying_ : 1 = false;      // the other process does not want it
  bool is_handed_over_ : 1 = false;  // it has gone

  const std::uint32_t slot_;
  std::uint32_t unacknowledged_bytes_ = 0;  // when write_blocked_since_ or lingering_since_ was set
  std::uint32_t lingered_bytes_ = 0;
  const PeerAddress peer_;
  const std::uint64_t id_;
  const TimePoint started_;
  TimePoint lingering_since_ = kNever;
  AdmissionUnit admission_;
};

}  // namespace fairlead
