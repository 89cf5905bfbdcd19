#include "common/base/buffer_pool.hpp"

#include <sanitizer/asan_interface.h>

#include <bit>
#include <new>

#include "common/base/check.hpp"

namespace fairlead {

namespace {

// The smallest class in the heap.
constexpr std::size_t kUnit = BufferPool::kSmallest + BufferPool::kHeapHeaderBytes;

constexpr std::size_t size_of_class(std::size_t index) {
  return (kUnit << index) - BufferPool::kHeapHeaderBytes;
}

}  // namespace

static_assert(size_of_class(8) == BufferPool::kLargest);

BufferPool::~BufferPool() {
  FAIRLEAD_CHECK(bytes_in_use_ == 0);
  for (std::size_t index = 0; index < kClasses; ++index) {
    while (FreeBlock* block = free_[index]) {
      ASAN_UNPOISON_MEMORY_REGION(block, size_of_class(index));
      free_[index] = block->next;
      ::operator delete(block);
    }
  }
}

char* BufferPool::acquire(std::size_t bytes_min, std::size_t& capacity) {
  const std::size_t size = capacity_for(bytes_min);
  char* memory = nullptr;
  FreeBlock** list = size <= kLargest ? &free_[class_of(size)] : nullptr;
  if (list != nullptr && *list != nullptr) {
    FreeBlock* block = *list;
    ASAN_UNPOISON_MEMORY_REGION(block, size);
    *list = block->next;
    bytes_kept_ -= size;
    memory = reinterpret_cast<char*>(block);
  } else {
    memory = static_cast<char*>(::operator new(size));
  }
  bytes_in_use_ += size;
  capacity = size;
  return memory;
}

void BufferPool::release(char* memory, std::size_t capacity) noexcept {
  FAIRLEAD_CHECK(memory != nullptr && capacity == capacity_for(capacity));
  FAIRLEAD_CHECK(capacity <= bytes_in_use_);
  bytes_in_use_ -= capacity;
  if (capacity > kLargest || capacity > kept_bytes_max_ - bytes_kept_) {
    ::operator delete(memory);
    return;
  }
  FreeBlock*& list = free_[class_of(capacity)];
  list = new (memory) FreeBlock{list};
  bytes_kept_ += capacity;
  ASAN_POISON_MEMORY_REGION(memory, capacity);
}

std::size_t BufferPool::capacity_for(std::size_t bytes_min) noexcept {
  return bytes_min > kLargest ? bytes_min : size_of_class(class_of(bytes_min));
}

std::size_t BufferPool::class_of(std::size_t bytes) noexcept {
  return bytes <= kSmallest ? 0 : std::bit_width((bytes + kHeapHeaderBytes - 1) / kUnit);
}

}  // namespace fairlead
