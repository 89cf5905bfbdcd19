// The contract of the three protocols: bytes in, frames out, and back. Sans-IO: no socket, no
// clock, no thread.
//
// A codec is right if any split of the input gives the same frames (except in `chunk` and `auto`
// text, where deliveries and pauses end messages), if no frame follows an error, if a length is
// checked before anything is allocated, and if it reads what it writes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/byte_sink.hpp"
#include "common/base/bytes.hpp"
#include "common/base/tail_buffer.hpp"
#include "common/protocol/close_reason.hpp"
#include "common/protocol/frame.hpp"

namespace fairlead {

enum class Flow : std::uint8_t { proceed, stop };

// Takes the frames of a codec. After `stop` the codec passes no frame until the next feed(): the
// handler has closed its session, or this client has had its share of the turn.
class FrameSink {
 public:
  // The payload is valid until the call returns.
  virtual Flow on_frame(const Frame& frame) = 0;

 protected:
  ~FrameSink() = default;
};

struct DecodeResult {
  enum class Status : std::uint8_t { ok, stopped, failed };

  Status status = Status::ok;
  CloseReason reason = CloseReason::none;  // failed: message_too_big or protocol_error
  const char* problem = "";                // failed: the mistake, for the log and the client

  static DecodeResult failed(CloseReason reason, const char* problem) {
    return {Status::failed, reason, problem};
  }
  static DecodeResult stopped() { return {Status::stopped, CloseReason::none, ""}; }
};

// The codec of one connection, owned by its session and touched by its shard's thread only. It
// keeps the unfinished tail of the stream and, after a stop, the input behind it; both are sized by
// what has arrived.
class Codec {
 public:
  virtual ~Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  // Takes the next bytes and passes every complete frame to the sink. After a failure, only the
  // destructor may be called. feed({}, sink) continues after a stop.
  DecodeResult feed(Bytes in, FrameSink& sink);

  // Keeps `in` and passes no frame: the session is paused.
  void keep(Bytes in);

  // The client has been silent for `pause` since its last byte.
  DecodeResult on_pause(FrameSink& sink);

  // The client will send nothing more.
  DecodeResult on_end(FrameSink& sink);

  // True while a pause would end a message or complete a character.
  bool awaits_pause() const noexcept { return !stopped_ && !tail_.empty() && pause_matters(); }

  // True while a message, or a frame that is skipped, is incomplete.
  bool mid_message() const noexcept { return !tail_.empty() || skipping_ != Skipping::nothing; }
  // True if the last bytes were all of a skipped frame that is still incomplete.
  bool goes_on_skipping() const noexcept { return skipping_ == Skipping::on; }

  std::size_t kept_bytes() const noexcept { return tail_.size(); }
  std::size_t kept_memory() const noexcept { return tail_.capacity(); }  // bytes

  Bytes kept() const noexcept { return tail_.view(); }  // until the next call that changes it

  // The longest message that the client may send, in bytes.
  virtual std::uint32_t message_bytes_max() const noexcept = 0;

  // Releases spare memory, since the kept bytes will stay for a while. Not from within a sink.
  void trim() noexcept { tail_.trim(); }

  // Drops the kept bytes, since no more will be read. Not from within a sink.
  void forget() noexcept { tail_.clear(); }

  virtual void encode(const Frame& frame, ByteSink& out) const = 0;

 protected:
  explicit Codec(BufferPool& pool) : tail_(pool) {}

  struct Parsed {
    std::size_t consumed = 0;
    DecodeResult result;
  };
  enum class More : std::uint8_t { may_follow, after_pause, none };

  // Reads frames from the front of `in` to its end, an incomplete frame or a stop.
  virtual Parsed parse(Bytes in, More more, FrameSink& sink) = 0;
  virtual bool pause_matters() const noexcept { return false; }

  // A skipped frame is not kept, but counts as an incomplete message.
  enum class Skipping : std::uint8_t { nothing, begun, on };
  void skip(Skipping how) noexcept { skipping_ = how; }

 private:
  DecodeResult parse_tail(More more, FrameSink& sink);

  TailBuffer tail_;
  bool stopped_ = false;
  Skipping skipping_ = Skipping::nothing;
};

}  // namespace fairlead
