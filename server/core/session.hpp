// One connection, from its first byte to the one reason it ended for. Sans-IO: bytes come from a
// Transport, time from the shard's turn, and both can be a test's.
//
//   detecting ──▶ talking ──▶ finishing ──▶ lingering ──▶ terminated ──▶ finished
//   which protocol?           what is queued   our FIN is out,   the Transport is   to be freed
//                             leaves, then FIN  theirs awaited    closing down
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/timer_wheel.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/transport.hpp"
#include "common/protocol/close_reason.hpp"
#include "common/protocol/framed_codec.hpp"
#include "common/protocol/len32_codec.hpp"
#include "common/protocol/text_codec.hpp"
#include "common/text/client_encoding.hpp"
#include "server/core/channel.hpp"
#include "server/core/outbox.hpp"
#include "server/core/settings.hpp"
#include "server/core/shard_context.hpp"

namespace fairlead {

// Owned by its shard's table and touched by its thread only; freed at the end of the turn in which
// its Transport has reported on_finished. Its wheel entry never lies later than its next deadline.
class Session final : public WheelEntry, public TransportObserver, private FrameSink {
 public:
  // The listener's settings outlive the session. `id` is unique in the daemon; `slot` is the
  // table's.
  Session(ShardContext& context, std::unique_ptr<Transport> transport,
          const ListenerSettings& listener, const PeerAddress& peer, std::uint64_t id,
          std::uint32_t slot);
  ~Session();

  // Called by the shard, each within a turn.
  void start(CloseReason refused);  // none: it is let in
  void on_due();                    // the wheel entry has come
  void go_on();                     // the rest of what had to wait for its next share of turns
  void flush();
  void begin_drain();              // framed: GOAWAY and an end; others go on being served
  void evict(CloseReason reason);  // finish what was received, then end
  void relieve();                  // memory is short, and this queue is among the largest

  // Ends the session from outside or inside: flush, FIN, linger. The first reason stands.
  void close(CloseReason reason, std::string_view problem = {});
  // Ends it by a reset, at once.
  void cut(CloseReason reason);

  // TransportObserver.
  void on_bytes(Bytes bytes) override;
  void on_end() override;
  void on_silence() override;
  void on_progress() override;
  void on_error(TransportError error) override;
  void on_finished() override;

  // For its channels.
  void send(const Frame& frame);
  void push(const Frame& frame) noexcept;  // of a pushing service; see session_push.cpp
  void fail_push() noexcept;               // what was to be pushed could not be made
  void send_raw(Bytes bytes);
  void send_error(std::uint16_t channel, std::uint32_t request_id, CloseReason code,
                  std::string_view why);
  void send_close(std::uint16_t channel, CloseReason reason);
  // A part of a file, as Peer::offer.
  std::size_t offer(std::uint16_t channel, std::uint32_t request, Bytes bytes);
  std::size_t offer_file(const FilePart& part);
  bool awaits_room() const noexcept;
  void want_writable() noexcept;
  // Answers that were put off.
  void owe() noexcept { ++owed_; }
  void forgive(std::size_t answers) noexcept;
  // Takes no further request, and ends when it owes no answer. `problem` is a literal.
  void leave(CloseReason reason, const char* problem = "");
  LineEnd own_line_end() const;  // of what is said without being asked
  Encoding reply_encoding() const;
  bool is_text() const { return std::holds_alternative<TextCodec>(codec_); }
  bool is_len32() const { return std::holds_alternative<Len32Codec>(codec_); }
  bool is_framed() const { return std::holds_alternative<FramedCodec>(codec_); }

  ShardContext& context() { return context_; }
  const PeerAddress& peer() const { return peer_; }
  std::uint64_t id() const { return id_; }
  std::uint32_t slot() const { return slot_; }
  CloseReason reason() const { return reason_; }
  bool is_talking() const { return stage_ == Stage::talking || stage_ == Stage::detecting; }
  // Has a place in ShardContext::pushed or ::unfinished; whoever takes it from there says so.
  bool is_awaited() const { return is_pushed_ || is_scheduled_; }
  void leave_pushed() { is_pushed_ = false; }
  void leave_unfinished() { is_scheduled_ = false; }
  bool is_counted() const { return is_counted_; }  // in the shard's counters, by its end
  void add_traffic(Counters& sum) const;
  bool was_admitted() const { return was_admitted_; }
  bool is_finished() const { return stage_ == Stage::finished; }
  std::size_t queued_bytes() const;
  bool has_room() const;              // nothing waits for the kernel
  std::size_t backlog_bytes() const;  // of it, what holding the session can keep from growing
  std::string_view protocol_name() const;

 private:
  enum class Stage : std::uint8_t {
    detecting,
    talking,
    finishing,
    lingering,
    terminated,
    finished
  };
  // Why the session hands out no requests just now.
  enum class Hold : std::uint8_t { none, output, turn };

  // Every entry runs so: an exception ends this session alone, and the wheel entry is right
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

  void refuse(CloseReason reason);
  void detect_protocol(Bytes in);
  void become_text_with_prefix();
  void choose_text();
  void choose_len32();
  void choose_framed();
  void make_text_codec();
  void make_len32_codec();
  void make_framed_codec();
  void opened();
  Codec* codec();
  const Codec* codec() const;  // null until the protocol is known

  void receive(Bytes in);
  void decoded(const DecodeResult& result);
  void end_of_requests();
  bool greets() const;
  bool is_streaming() const { return channel_ && channel_->is_streaming(); }
  bool waits_for_answers() const;
  // It is our turn, and the client can do nothing but wait.
  bool is_at_work() const {
    return owed_ > 0 && transport_->queued_bytes() == 0 && !transport_->awaits_room();
  }
  bool has_text_prefix() const;
  void hold(Hold why);
  void schedule();
  void serve_writable();
  void after_requests();

  Flow on_frame(const Frame& frame) override;
  void on_framed(const Frame& frame);
  void on_hello(const Frame& frame);
  void on_open_request(const Frame& frame);
  void on_channel_close(const Frame& frame);
  void on_message(const Frame& frame);
  bool takes_request_id(std::uint32_t id);
  bool is_leaving() const { return leaving_for_ != CloseReason::none; }
  Channel* channel(std::uint16_t id);
  void remove_closed_channels();

  void say_hello();
  void say_goodbye(std::string_view problem);
  void say_goaway(CloseReason reason);
  enum class Keep : std::uint8_t { always, if_room };
  void queue(const Frame& frame, Keep keep);
  void mark_dirty() noexcept;
  void mark_pushed() noexcept;
  void after_output();
  void take_stock(bool progress);
  void account() noexcept;

  bool is_pushed_to() const;
  void look_who_pushes();
  bool catches_up();
  void pass_on_outbox(std::size_t bytes_max);
  void empty_outbox();
  void tell_of_gaps();
  void drop_oldest(std::size_t bytes_max);
  std::size_t unpushed_backlog() const;
  void fall_behind();
  bool may_drop() const;
  void linger();
  void terminate(TerminateManner manner);
  void write_session_log() noexcept;

  TimePoint next_deadline() const;
  void rearm();
  Duration pause() const;
  Duration write_timeout() const;
  TimePoint behind_deadline() const;
  TimePoint last_deadline() const;

  ShardContext& context_;
  const ListenerSettings& listener_;
  std::unique_ptr<Transport> transport_;
  std::variant<std::monostate, TextCodec, Len32Codec, FramedCodec> codec_;
  std::optional<Channel> channel_;  // 0: the listener's own service, if it has one
  std::vector<std::unique_ptr<Channel>> more_channels_;  // framed clients only
  std::unique_ptr<Outbox> outbox_;  // what may still be dropped; null but for slow clients

  TimePoint started_;
  TimePoint last_received_;
  TimePoint last_activity_;          // received, or taken by the kernel after it had refused
  TimePoint begun_;                  // the unfinished message; later, the lingering
  TimePoint behind_since_ = kNever;  // is_pushed_to(): more than queue_soft waits; else: something
                                     // waits, and the kernel has taken nothing of it
  std::uint64_t id_;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t messages_in_ = 0, messages_out_ = 0;
  std::uint32_t lingered_bytes_ = 0;
  std::uint32_t slot_;
  std::uint32_t last_request_id_ = 0;
  std::uint32_t handled_this_turn_ = 0;
  std::uint16_t owed_ = 0;         // answers that were put off, of all channels
  std::uint16_t last_served_ = 0;  // the channel whose on_writable was called last
  PeerAddress peer_;
  ClientEncoding encoding_;
  std::array<char, 4> prefix_{};  // what has arrived of an undecided protocol
  std::uint8_t prefix_bytes_ = 0;
  Stage stage_ = Stage::detecting;
  Hold hold_ = Hold::none;
  CloseReason reason_ = CloseReason::none;
  CloseReason evicted_for_ = CloseReason::none;
  CloseReason leaving_for_ = CloseReason::none;  // framed: once it is owed no answer
  const char* leaving_problem_ = "";             // a literal
  bool peer_ended_ : 1 = false;
  bool dirty_ : 1 = false;
  bool is_pushed_ : 1 = false;
  bool draining_ : 1 = false;
  bool probing_pause_ : 1 = false;
  bool spoken_ : 1 = false;      // framed: a frame has come
  bool has_pusher_ : 1 = false;  // a channel is open whose service pushes
  bool overrun_ : 1 = false;     // more was pushed than queue_hard has room for
  bool is_counted_ : 1 = false;
  bool is_accounted_ : 1 = false;  // has something in ShardContext::output
  bool was_admitted_ : 1 = false;
  bool is_scheduled_ : 1 = false;    // has a place in ShardContext::unfinished
  bool wants_writable_ : 1 = false;  // a channel does
  bool torn_ : 1 = false;            // a message could not be queued whole: nothing may follow it
  bool offering_ : 1 = false;        // the kernel is asked within a push: ends are for later
};

}  // namespace fairlead
