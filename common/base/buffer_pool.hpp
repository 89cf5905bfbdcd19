// Memory for bytes in flight: a session takes it for a moment and gives it back.
#pragma once

#include <array>
#include <cstddef>

namespace fairlead {

// Free lists of blocks in size classes that take powers of two of the heap, 256 B to 64 KiB; larger
// blocks come from the heap and go back there. The lists are last in, first out, so that a block is
// used again while it is in the cache. One pool belongs to one shard, is touched by its thread
// only, and outlives everything that takes from it.
//
// clang-format off
// Invariant: bytes_in_use() == sum of the capacities acquired and not yet released; 0 at the end
//            bytes_kept()   == sum of the blocks in the free lists <= kept_bytes_max
// clang-format on
//
// Under AddressSanitizer a block in a free list is poisoned, so that a use after release is found.
class BufferPool {
 public:
  // What malloc(3) of glibc puts before each block: so the next smaller blocks fit exactly into the
  // place of one that has been freed, and no rest of it stays empty.
  static constexpr std::size_t kHeapHeaderBytes = 8;
  static constexpr std::size_t kSmallest = 256 - kHeapHeaderBytes;
  static constexpr std::size_t kLargest = std::size_t{64} * 1024 - kHeapHeaderBytes;

  explicit BufferPool(std::size_t kept_bytes_max = 1024 * 1024) noexcept
      : kept_bytes_max_(kept_bytes_max) {}
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Returns an uninitialised block of at least `bytes_min` bytes, aligned for any object of
  // fundamental alignment, and sets `capacity` to its size, which release() needs. Throws
  // std::bad_alloc.
  char* acquire(std::size_t bytes_min, std::size_t& capacity);
  void release(char* memory, std::size_t capacity) noexcept;

  // The capacity that acquire(bytes_min) would set.
  static std::size_t capacity_for(std::size_t bytes_min) noexcept;

  std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }
  std::size_t bytes_kept() const noexcept { return bytes_kept_; }  // for the test of the invariant

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

}  // namespace fairlead
