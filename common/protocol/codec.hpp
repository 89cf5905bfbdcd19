// The contract of the three protocols: bytes in, frames out, and back. Sans-IO: no socket, no
// clock, no thread.
//
// A codec is right when any split of the input gives the same frames (but where the protocol itself
// is made of deliveries and silences, as `chunk` and `auto` text are), when nothing follows an
// error, when a length is checked before anything is allocated, and when what it writes it also
// reads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/byte_sink.hpp"
#include "common/base/bytes.hpp"
#include "common/base/tail_buffer.hpp"
#include "common/protocol/close_reason.hpp"
#include "common/protocol/frame.hpp"

namespace fairlead {

enum class Flow : std::uint8_t { go_on, stop };

// Takes what a codec has read. `stop` keeps the codec from handing out more until the next feed():
// the handler has closed its session, or this client has had its share of the turn.
class FrameSink {
 public:
  // The payload's view dies when the call returns.
  virtual Flow on_frame(const Frame& frame) = 0;

 protected:
  ~FrameSink() = default;
};

struct DecodeResult {
  enum class Status : std::uint8_t { ok, stopped, failed };

  Status status = Status::ok;
  CloseReason reason = CloseReason::none;  // failed: message_too_big or protocol_error
  const char* problem = "";                // failed: what was wrong, for the log and the client

  static DecodeResult failed(CloseReason reason, const char* problem) {
    return {Status::failed, reason, problem};
  }
  static DecodeResult stopped() { return {Status::stopped, CloseReason::none, ""}; }
};

// One client's codec; owned by its session, touched by its shard's thread only. Keeps nothing but
// the unfinished tail of the stream (and, after a stop, what came behind it), sized by what has
// arrived.
class Codec {
 public:
  virtual ~Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  // Takes the next bytes and hands every complete frame to the sink. After a failure call nothing
  // but the destructor. feed({}, sink) goes on where a stop left off.
  DecodeResult feed(Bytes in, FrameSink& sink);

  // Keeps `in` for later without handing out anything: the session is paused.
  void keep(Bytes in);

  // The client has been silent for `pause` since its last byte.
  DecodeResult on_pause(FrameSink& sink);

  // The client will send nothing more.
  DecodeResult on_end(FrameSink& sink);

  // True while a silence would end a message or complete a character.
  bool awaits_pause() const noexcept { return !stopped_ && !tail_.empty() && pause_matters(); }

  // True while a message has been begun and not finished, or a frame that is skipped.
  bool mid_message() const noexcept { return !tail_.empty() || skipping_ != Skipping::nothing; }
  // The last bytes have all been part of a frame that is skipped, and has not ended.
  bool goes_on_skipping() const noexcept { return skipping_ == Skipping::on; }

  std::size_t kept_bytes() const noexcept { return tail_.size(); }
  std::size_t kept_memory() const noexcept { return tail_.capacity(); }  // bytes

  // What is kept will have to wait: no more memory for it than it takes. Not from within a sink.
  void trim() noexcept { tail_.trim(); }

  // Gives back what is kept: nothing will be read any more. Not from within a sink.
  void forget() noexcept { tail_.clear(); }

  virtual void encode(const Frame& frame, ByteSink& out) const = 0;

 protected:
  explicit Codec(BufferPool& pool) : tail_(pool) {}

  struct Parsed {
    std::size_t consumed = 0;
    DecodeResult result;
  };
  enum class More : std::uint8_t { may_follow, after_pause, none };

  // Reads frames from the front of `in` until it is used up, unfinished or stopped.
  virtual Parsed parse(Bytes in, More more, FrameSink& sink) = 0;
  virtual bool pause_matters() const noexcept { return false; }

  // What is skipped is never kept, but it is a message begun.
  enum class Skipping : std::uint8_t { nothing, begun, on };
  void skip(Skipping how) noexcept { skipping_ = how; }

 private:
  DecodeResult parse_tail(More more, FrameSink& sink);

  TailBuffer tail_;
  bool stopped_ = false;
  Skipping skipping_ = Skipping::nothing;
};

}  // namespace fairlead
