// The unfinished end of the input, kept until the rest of its message arrives.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/buffer_pool.hpp"
#include "common/base/bytes.hpp"

namespace fairlead {

// A contiguous buffer, sized by the bytes that have arrived and never by an announced length. Its
// storage comes from the pool, at least doubles when it grows (appending costs amortized constant
// time per byte), shrinks when little is left, and goes back when the buffer is empty. An empty
// buffer is 24 bytes. Belongs to one codec, touched by its shard's thread only; the pool outlives
// it.
//
// Invariant: begin_ <= end_ <= bytes the storage has room for; storage_ == nullptr exactly when
// begin_ == end_.
class TailBuffer {
 public:
  explicit TailBuffer(BufferPool& pool) noexcept : pool_(&pool) {}
  ~TailBuffer() { clear(); }
  TailBuffer(const TailBuffer&) = delete;
  TailBuffer& operator=(const TailBuffer&) = delete;

  // Copies `bytes`, which must not lie in this buffer, to the end. The caller keeps size() below
  // 2 GiB. Invalidates every view. When it throws std::bad_alloc, nothing has changed.
  void append(Bytes bytes);

  // All bytes; valid until the next append, drop_front, trim or clear.
  Bytes view() const noexcept;
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }

  // Drops the first `bytes` bytes, at most size(). Usually only an offset moves; when an eighth of
  // the storage is enough, the rest moves to a smaller block.
  void drop_front(std::size_t bytes) noexcept;

  // Moves the rest to a smaller block if half of the storage is enough. For bytes that will stay.
  void trim() noexcept;

  void clear() noexcept;

  // The size of its block; 0 when empty.
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
