#include "server/app/heap.hpp"

#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAIRLEAD_OWN_OPERATORS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAIRLEAD_OWN_OPERATORS 0
#endif
#endif
#ifndef FAIRLEAD_OWN_OPERATORS
#define FAIRLEAD_OWN_OPERATORS 1
#endif

namespace {

// Written by all threads, once for a connection and never for a message.
std::atomic<std::uint64_t> bytes_in_use{0};

}  // namespace

std::uint64_t fairlead::heap_bytes_in_use() noexcept {
  return bytes_in_use.load(std::memory_order_relaxed);
}

void fairlead::give_memory_back() noexcept {
  constexpr std::uint64_t kWorthIt = 16 << 20;  // what is kept for the next peak, and the program
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0, resident_pages = 0;
  if (!(file >> size >> resident_pages)) return;
  const std::uint64_t resident =
      resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (resident > 2 * heap_bytes_in_use() + kWorthIt) ::malloc_trim(0);
}

// The other forms call these two ([new.delete.single], [new.delete.array]), but for those of
// over-aligned objects, which do not occur here.
#if FAIRLEAD_OWN_OPERATORS

void* operator new(std::size_t size) {
  for (;;) {
    if (void* const memory = std::malloc(size > 0 ? size : 1)) {
      bytes_in_use.fetch_add(::malloc_usable_size(memory), std::memory_order_relaxed);
      return memory;
    }
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  bytes_in_use.fetch_sub(::malloc_usable_size(memory), std::memory_order_relaxed);
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

#endif
