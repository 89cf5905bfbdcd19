// How the fuzzers read their input: a few bytes of choices, then the bytes under test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "common/base/bytes.hpp"

// What libFuzzer calls; the corpus replay calls it too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fairlead {

// Takes the input apart from the front. An input that is too short reads as zeros, so that every
// input means something.
class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }
  Bytes rest() const { return rest_; }

  std::uint8_t byte() {
    const Bytes taken = bytes(1);
    return taken.empty() ? std::uint8_t{0} : octet(taken.front());
  }

  // 0..bound-1
  std::uint8_t below(std::uint8_t bound) { return static_cast<std::uint8_t>(byte() % bound); }

  std::uint16_t two_bytes() {
    const std::uint8_t high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }

  Bytes bytes(std::size_t size) {
    const Bytes taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  Bytes rest_;
};

}  // namespace fairlead
