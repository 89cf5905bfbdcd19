#include "tests/unit/bench/engine/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> calls{0};

// Inlined, free() would stand beside a new of the library's, which g++ takes for a mistake.
[[gnu::noinline]] void release(void* memory) noexcept { std::free(memory); }

void* take(std::size_t size) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size);
}

}  // namespace

// The array forms come to these.
void* operator new(std::size_t size) {
  if (void* memory = take(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { release(memory); }

namespace fairlead {

std::size_t allocations() noexcept { return calls.load(std::memory_order_relaxed); }

}  // namespace fairlead
