// The one source of chance of a simulated world: same seed, same world, on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>

namespace fairlead::sim {

// Uses no distribution of the standard library: those may differ between implementations.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + engine_() % (high - low + 1);
  }
  bool chance(unsigned percent) { return between(1, 100) <= percent; }
  std::uint64_t one_of(std::initializer_list<std::uint64_t> choices) {
    return choices.begin()[between(0, choices.size() - 1)];
  }
  std::mt19937_64& engine() { return engine_; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace fairlead::sim
