// Memory for bytes in flight: what a session needs for a moment and gives back.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace fairlead {

class Buffer;

struct BufferPoolOptions {
  std::size_t kept_bytes_max = 1024 * 1024;  // what may lie idle in the free lists
};

// Free lists of blocks in size classes that are powers of two, 256 B to 64 KiB; what is larger
// comes from the heap and goes back there. The lists are last in, first out, so that the next taker
// gets the block whose lines are still in the cache. One pool belongs to one shard, is touched by
// its thread only, and outlives everything that takes from it.
//
// Invariant: bytes_in_use() == sum of the capacities handed out and not yet given back (0 at the
// end of the pool),
//            bytes_kept() == sum over classes of class size * blocks in its free list <=
//            kept_bytes_max.
//
// Under AddressSanitizer a block that lies in a free list is poisoned, so that a use after release
// is found.
class BufferPool {
 public:
  static constexpr std::size_t kSmallest = 256;
  static constexpr std::size_t kLargest = std::size_t{64} * 1024;

  explicit BufferPool(BufferPoolOptions options = {}) noexcept;
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A block of at least `bytes_min` bytes, uninitialised. Throws std::bad_alloc.
  Buffer take(std::size_t bytes_min);

  // The same for those who keep the pointer themselves: sets `capacity` to what was given, which
  // `release` wants back. The block is aligned for any object of fundamental alignment.
  char* acquire(std::size_t bytes_min, std::size_t& capacity);
  void release(char* memory, std::size_t capacity) noexcept;

  // What acquire(bytes_min) would give.
  static std::size_t capacity_for(std::size_t bytes_min) noexcept;

  std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }
  std::size_t bytes_kept() const noexcept { return bytes_kept_; }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr std::size_t kClasses = 9;

  static std::size_t class_of(std::size_t bytes) noexcept;

  std::array<FreeBlock*, kClasses> free_{};
  std::size_t bytes_in_use_ = 0;
  std::size_t bytes_kept_ = 0;
  const std::size_t kept_bytes_max_;
};

// Owns one block of a pool and gives it back when it ends. Move-only; empty after a move. The pool
// outlives it.
class Buffer {
 public:
  Buffer() noexcept = default;
  Buffer(Buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      reset();
      pool_ = std::exchange(other.pool_, nullptr);
      data_ = std::exchange(other.data_, nullptr);
      capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
  }
  ~Buffer() { reset(); }

  char* data() noexcept { return data_; }
  const char* data() const noexcept { return data_; }
  std::size_t capacity() const noexcept { return capacity_; }  // bytes
  explicit operator bool() const noexcept { return data_ != nullptr; }

  // Gives the block back now.
  void reset() noexcept;

 private:
  friend class BufferPool;
  Buffer(BufferPool& pool, char* data, std::size_t capacity) noexcept
      : pool_(&pool), data_(data), capacity_(capacity) {}

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace fairlead
