// Counts what the benchmarks take from the heap: `operator new` is replaced in the whole program.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

namespace fairlead {

// Calls of operator new, of any form, since the program began.
std::uint64_t allocations() noexcept;

// Allocations from here to report(), in which the measured loop runs. A loop that takes any memory
// fails the program (see main.cpp): in steady state a message costs none.
class NoAllocations {
 public:
  explicit NoAllocations(benchmark::State& state) : state_(state), before_(allocations()) {}
  void report();

 private:
  benchmark::State& state_;
  std::uint64_t before_;
};

// How many benchmarks have broken that promise.
int broken_promises() noexcept;

}  // namespace fairlead
