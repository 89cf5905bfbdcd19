// Output that waits to be written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "common/base/buffer_pool.hpp"
#include "common/base/bytes.hpp"

namespace fairlead {

// A queue of bytes in a singly linked chain of pool blocks of 4 KiB. Bytes are copied in once and
// never moved again. An empty queue owns no block and is 32 bytes. Belongs to one session, touched
// by its shard's thread only; the pool outlives it.
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
  void append(Bytes bytes) {
    const bool fits = tail_ != nullptr && bytes.size() <= tail_->free_bytes();
    if (fits && !bytes.empty()) return append_to_tail(bytes);
    append_to_blocks(bytes);
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  // The size of its blocks in the pool.
  std::size_t memory() const noexcept;

  // Fills `out` with the first contiguous pieces for a gathering write and returns their number. A
  // piece stays valid until it is consumed or cleared; append() does not move it.
  std::size_t front(std::span<Bytes> out) const noexcept;

  // Copies all of it to the end of `out`.
  void append_to(std::string& out) const;

  // Drops the first `bytes` bytes, at most size().
  void consume(std::size_t bytes) noexcept;

  void clear() noexcept;

 private:
  // The header of a pool block; the bytes follow it.
  struct Block {
    // A size class of the pool: a page of the heap.
    static constexpr std::size_t kSize = 4096 - BufferPool::kHeapHeaderBytes;

    Block* next = nullptr;
    std::uint32_t begin = 0;  // begin <= end <= kSize - sizeof(Block)
    std::uint32_t end = 0;

    char* room() noexcept { return reinterpret_cast<char*>(this + 1); }
    std::size_t free_bytes() const noexcept { return kSize - sizeof(Block) - end; }
  };

  // Inline, since every message passes here and most of them fit into the tail.
  void append_to_tail(Bytes bytes) noexcept {
    std::memcpy(tail_->room() + tail_->end, bytes.data(), bytes.size());
    tail_->end += static_cast<std::uint32_t>(bytes.size());
    size_ += bytes.size();
  }
  void append_to_blocks(Bytes bytes);
  void push_block();
  void pop_block() noexcept;

  BufferPool* pool_;
  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fairlead
