// The unfinished end of a message: what has arrived of it waits here for the rest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/buffer_pool.hpp"
#include "common/base/bytes.hpp"

namespace fairlead {

// A contiguous buffer of bytes, sized by what has arrived and never by what a peer announced. Its
// storage comes from the pool, grows at least twofold (so appending costs constant time per byte,
// on average), shrinks when little is left, and goes back when the buffer is empty. 24 bytes when
// idle. Belongs to one codec, touched by its shard's thread only; the pool outlives it.
//
// Invariant: begin_ <= end_ <= bytes the storage has room for; storage_ == nullptr exactly when
// begin_ == end_.
class TailBuffer {
 public:
  explicit TailBuffer(BufferPool& pool) noexcept : pool_(&pool) {}
  ~TailBuffer() { clear(); }
  TailBuffer(const TailBuffer&) = delete;
  TailBuffer& operator=(const TailBuffer&) = delete;

  // Copies `bytes`, which must not lie in this buffer, to the end; the caller bounds the sum, which
  // must stay below 2 GiB. Ends every view. Throws std::bad_alloc; then nothing has changed.
  void append(Bytes bytes);

  // Everything in the buffer; valid until the next append, drop_front or clear.
  Bytes view() const noexcept;
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }

  // Forgets the first `bytes` bytes, at most size(). Usually only an offset moves; when less than
  // an eighth of the storage is still needed, the rest moves to a smaller block.
  void drop_front(std::size_t bytes) noexcept;

  // Moves what is left to a smaller block where half of the storage or less is needed: it will lie
  // there for a while.
  void trim() noexcept;

  void clear() noexcept;

  // The block that is held; 0 when empty.
  std::size_t capacity() const noexcept;

 private:
  struct Storage;

  void move_to_storage_for(std::size_t bytes);
  void move_to_smaller_storage() noexcept;

  BufferPool* pool_;
  Storage* storage_ = nullptr;
  std::uint32_t begin_ = 0;  // offsets into the storage's room
  std::uint32_t end_ = 0;
};

}  // namespace fairlead
