// The identity of a message of a load test.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace fairlead {

// All count from 0; reports count from 1.
struct MessageKey {
  std::uint64_t number = 0;  // in the run
  std::uint32_t connection = 0;
  std::uint64_t of_connection = 0;  // on its connection
};

// The random numbers of one message (SplitMix64). They depend only on the seed and the key, so that
// a reply is checked by making its message again.
class KeyedRandom {
 public:
  KeyedRandom(std::uint64_t seed, const MessageKey& key) noexcept {
    for (const std::uint64_t part : {seed, std::uint64_t{key.connection}, key.of_connection})
      state_ = (state_ ^ part) + next();
  }

  std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
  }

  // 0 to bound - 1, bound >= 1.
  std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }

  // A letter or digit of ASCII.
  char letter() noexcept {
    constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    return kLetters[below(kLetters.size())];
  }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace fairlead
