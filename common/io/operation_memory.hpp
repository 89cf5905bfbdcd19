// Memory for pending operations of Asio's. Included by common/io only.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace fairlead {

// Blocks for the operations of one loop, so that none takes heap memory once its loop has been
// busy. They are cut from slabs, which stay until the pool is destroyed, and with them what Asio
// destroys as late as its context. The pool outlives that; it is used on the loop's thread.
class OperationPool {
 public:
  // A pending read or write takes 120 to 128 bytes.
  static constexpr std::size_t kBlockBytes = 128;

  OperationPool() = default;
  OperationPool(const OperationPool&) = delete;
  OperationPool& operator=(const OperationPool&) = delete;

  // Throws std::bad_alloc. What is larger than a block comes from the heap.
  void* allocate(std::size_t bytes) {
    if (bytes > kBlockBytes) return ::operator new(bytes);
    if (free_ == nullptr) add_slab();
    return std::exchange(free_, free_->next);
  }
  void deallocate(void* memory, std::size_t bytes) noexcept {
    if (bytes > kBlockBytes) return ::operator delete(memory);
    free_ = new (memory) FreeBlock{free_};
  }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  struct alignas(std::max_align_t) Block {
    std::byte bytes[kBlockBytes];
  };
  using Slab = std::array<Block, 32>;

  void add_slab() {
    slabs_.push_back(std::make_unique_for_overwrite<Slab>());
    for (Block& block : *slabs_.back()) deallocate(&block, kBlockBytes);
  }

  std::vector<std::unique_ptr<Slab>> slabs_;
  FreeBlock* free_ = nullptr;
};

// What an operation's handler returns from get_allocator().
template <class T>
class OperationAllocator {
 public:
  using value_type = T;

  explicit OperationAllocator(OperationPool& pool) noexcept : pool_(&pool) {}
  template <class U>
  OperationAllocator(const OperationAllocator<U>& other) noexcept : pool_(&other.pool()) {}

  T* allocate(std::size_t count) { return static_cast<T*>(pool_->allocate(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept {
    pool_->deallocate(memory, count * sizeof(T));
  }
  OperationPool& pool() const noexcept { return *pool_; }

  template <class U>
  bool operator==(const OperationAllocator<U>& other) const noexcept {
    return pool_ == &other.pool();
  }

 private:
  OperationPool* pool_;
};

}  // namespace fairlead
