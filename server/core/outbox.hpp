// What a slow client of a pushing service has not been given yet, message by message, where the
// oldest may be dropped (slow_policy = drop_oldest).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/base/buffer_pool.hpp"
#include "common/base/byte_queue.hpp"
#include "common/protocol/codec.hpp"

namespace fairlead {

// Stands behind a Transport's own queue: what the Transport has been given leaves whole, what
// stands here can still be dropped, and nothing overtakes it. Owned by its session, which has one
// only while it is needed; the pool outlives it.
//
// Invariant: bytes() == sum of the messages held, each with its header.
class Outbox {
 public:
  explicit Outbox(BufferPool& pool) noexcept : queue_(pool) {}

  // Appends one message as `codec` writes it. A reply must be kept; what is pushed need not. Throws
  // std::bad_alloc; then the box is torn and its session's end.
  void append(const Codec& codec, const Frame& frame, bool may_drop);

  // The first message: nothing is held when empty().
  bool front_may_drop() const noexcept { return front().may_drop; }
  void move_front_to(ByteSink& out);
  void drop_front();
  void miss(std::uint16_t channel);  // a message that is not even taken

  bool empty() const noexcept { return queue_.empty(); }
  std::size_t bytes() const noexcept { return queue_.size(); }
  std::size_t memory() const noexcept { return queue_.memory(); }    // bytes
  std::size_t reply_bytes() const noexcept { return reply_bytes_; }  // of what must be kept

  // What was dropped since the client was last told, by channel.
  struct Gap {
    std::uint16_t channel;
    std::uint32_t messages;
  };
  std::vector<Gap>& gaps() noexcept { return gaps_; }

 private:
  // Before each message in the queue.
  struct Header {
    std::uint32_t bytes;  // of the message
    std::uint16_t channel;
    bool may_drop;
  };
  Header front() const noexcept;

  ByteQueue queue_;
  std::size_t reply_bytes_ = 0;
  std::vector<Gap> gaps_;
};

}  // namespace fairlead
