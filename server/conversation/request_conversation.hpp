// What plain and framed conversations have in common: requests, read by a codec as fast as they may
// be answered, and the channels that answer them.
#pragma once

#include <cstdint>

#include "common/protocol/codec.hpp"
#include "server/conversation/channel.hpp"
#include "server/conversation/reason_payload.hpp"
#include "server/core/connection.hpp"
#include "server/core/conversation.hpp"

namespace fairlead {

// Nothing more is read, and what has been read waits in the codec, while
//   * more than queue_soft waits to be sent, or replies are pending that must come first;
//   * this client has had its requests_per_turn of this turn.
//
// Invariant: is_reading_paused() == the connection is paused, while it is open.
class RequestConversation : public Conversation, private FrameSink {
 public:
  // Conversation.
  void on_bytes(Bytes bytes) final;
  void on_end() final;
  void on_pause() final;
  void on_silence() final;
  void on_output() final;
  void on_turn() final;
  void on_evict() final;
  void forget_input() noexcept final { mutable_codec().forget(); }
  bool can_move() const noexcept final;
  void save(SessionState& state) const final;
  void on_stayed() final;
  void on_taken_over(const SessionState& state) final;
  std::size_t unparsed_bytes() const noexcept final { return codec().kept_bytes(); }
  void add_clocks(Clocks& clocks) const noexcept final;
  std::size_t unread_memory() const noexcept final;

  // ---- For the channels.

  Connection& connection() const noexcept { return connection_; }
  bool is_framed() const noexcept { return kind() == ConversationKind::framed; }
  bool is_text() const noexcept { return kind() == ConversationKind::text; }

  void send(const Frame& frame);
  // `error`: a RequestError, or the CloseReason of an end that comes before the reply.
  template <class Error>
  void send_error(std::uint16_t channel, std::uint32_t request_id, Error error,
                  std::string_view sentence = {}) {
    send({.type = FrameType::error,
          .channel = channel,
          .request_id = request_id,
          .payload = reason_payload(error, sentence)});
  }
  void send_close(std::uint16_t channel, CloseReason reason);
  // Gives a part of a body to the kernel. How many of the bytes are on their way.
  virtual std::size_t write_body(std::uint16_t channel, std::uint32_t request, Bytes bytes) = 0;

  void add_pending_reply() noexcept { ++pending_replies_; }
  void drop_pending_replies(std::size_t count) noexcept;
  // Takes no further request, and ends when no reply is pending. `problem` is a literal.
  void leave(CloseReason reason, const char* problem = "");
  // A channel wants a turn in which nothing waits to be sent.
  void request_channel_turn() noexcept;

  virtual LineEnd own_line_end() const noexcept { return LineEnd::none; }  // of unasked messages
  virtual Encoding reply_encoding() const noexcept { return Encoding::utf8; }

 protected:
  explicit RequestConversation(Connection& connection)
      : connection_(connection),
        message_since_(connection.context().now),
        last_received_(connection.context().now) {}

  virtual const Codec& codec() const noexcept = 0;

  // What an upgrade asks.
  virtual bool can_channels_move() const noexcept = 0;
  virtual void save_protocol(SessionState& state) const = 0;

  virtual void on_request(const Frame& frame) = 0;
  // One delivery has been decoded; channels that have closed may be removed.
  virtual void on_decoded() {}
  // So many replies are pending that nothing more may be read.
  virtual bool awaits_replies() const noexcept = 0;
  // The next channel that wants a turn; `more`: there is another.
  virtual Channel* next_waiting_channel(bool& more) = 0;
  // GOAWAY is to be said once all that was received has been handled.
  virtual bool is_draining() const noexcept { return false; }

  std::size_t pending_replies() const noexcept { return pending_replies_; }
  bool is_leaving() const noexcept { return leaving_for_ != CloseReason::none; }

 private:
  enum class ReadPause : std::uint8_t { none, backpressure, yielded };

  Flow on_frame(const Frame& frame) final;
  Codec& mutable_codec() noexcept { return const_cast<Codec&>(codec()); }
  void receive(Bytes in);
  void finish_decoding(const DecodeResult& result);
  void finish_requests();
  void pause_reading(ReadPause why);
  void serve_channel();
  void end_if_due();
  bool is_reading_paused() const noexcept { return read_pause_ != ReadPause::none; }
  std::uint64_t queue_mark() const noexcept;

  Connection& connection_;
  TimePoint message_since_;  // the unfinished message
  TimePoint last_received_;
  const char* leaving_problem_ = "";  // a literal
  std::uint32_t handled_this_turn_ = 0;
  std::uint16_t pending_replies_ = 0;  // of all channels
  ReadPause read_pause_ = ReadPause::none;
  CloseReason leaving_for_ = CloseReason::none;  // once no reply is pending
  bool is_probing_pause_ : 1 = false;
  bool channel_wants_turn_ : 1 = false;
};

}  // namespace fairlead
