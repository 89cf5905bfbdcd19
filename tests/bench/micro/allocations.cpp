#include "tests/bench/micro/allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

std::uint64_t allocated = 0;
int broken = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocated;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// The array forms and the others that do not throw come to these.
void* operator new(std::size_t size) { return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace fairlead {

std::uint64_t allocations() noexcept { return allocated; }

void NoAllocations::report() {
  const std::uint64_t taken = allocations() - before_;
  state_.counters["allocations"] = static_cast<double>(taken);
  if (taken == 0) return;
  ++broken;
  state_.SkipWithError("allocates in steady state");
}

int broken_promises() noexcept { return broken; }

}  // namespace fairlead
