// Bytes on their way out: what could not be written at once waits here.
#pragma once

#include <cstddef>
#include <span>

#include "common/base/buffer_pool.hpp"
#include "common/base/bytes.hpp"

namespace fairlead {

// A queue of bytes in a singly linked chain of pool blocks of 4 KiB. Bytes are copied in once and
// never moved again. An empty queue owns no block, so an idle session pays 32 bytes for it. Belongs
// to one session, touched by its shard's thread only; the pool outlives it.
//
// Invariant: size() == sum of the bytes in the blocks; every block but the last is full to its end;
// no block is empty.
class ByteQueue {
 public:
  explicit ByteQueue(BufferPool& pool) noexcept : pool_(&pool) {}
  ~ByteQueue() { clear(); }
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  // Copies `bytes`, which must not lie in this queue, to the end. Throws std::bad_alloc; the queue
  // then holds a prefix of them.
  void append(Bytes bytes);

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  // Fills `out` with the first contiguous pieces, in order, and says how many: for one gathering
  // write. The pieces stay valid until they are consumed or cleared; append() does not move them.
  std::size_t front(std::span<Bytes> out) const noexcept;

  // Forgets the first `bytes` bytes, at most size().
  void consume(std::size_t bytes) noexcept;

  void clear() noexcept;

 private:
  struct Block;

  void push_block();
  void pop_block() noexcept;

  BufferPool* pool_;
  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fairlead
