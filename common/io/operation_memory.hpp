// Memory for one pending operation, reused for each that follows. Included by common/io only.
#pragma once

#include <cstddef>
#include <memory>

namespace fairlead {

// Asio destroys an operation that never completed only with its context, so whoever owns the memory
// gives it to the loop when it goes before its operation has come back (LoopCore::bury).
class OperationMemory {
 public:
  static constexpr std::size_t kBytes = 128;

  OperationMemory() : bytes_(std::make_unique<Bytes>()) {}

  // What an operation's handler returns from get_allocator(). It refers to the memory only, for the
  // owner may have gone.
  template <class T>
  struct Allocator {
    using value_type = T;
    explicit Allocator(std::byte* at) noexcept : memory(at) {}
    template <class U>
    explicit Allocator(const Allocator<U>& other) noexcept : memory(other.memory) {}
    T* allocate(std::size_t) noexcept {
      static_assert(sizeof(T) <= kBytes);
      return reinterpret_cast<T*>(memory);
    }
    void deallocate(T*, std::size_t) noexcept {}
    template <class U>
    bool operator==(const Allocator<U>& other) const noexcept {
      return memory == other.memory;
    }

    std::byte* memory;
  };

  std::byte* get() noexcept { return bytes_->at; }

 private:
  struct Bytes {
    alignas(std::max_align_t) std::byte at[kBytes];
  };
  std::unique_ptr<Bytes> bytes_;
};

}  // namespace fairlead
