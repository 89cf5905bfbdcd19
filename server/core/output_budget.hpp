// A shard's part of [limits] max_buffer_memory: what waits to be sent to its clients, and what they
// have sent behind it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fairlead {

// What each connection has waiting, by slot: side by side, so that to look for the largest costs
// little. Owned by its shard and touched by its thread only.
//
// Invariant: used_bytes() == sum of bytes_of(slot).
class OutputBudget {
 public:
  explicit OutputBudget(std::uint64_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  void limit(std::uint64_t bytes_max) noexcept { bytes_max_ = bytes_max; }

  // A queue counts by the blocks it takes: memory is what is short.
  static constexpr std::uint64_t kBlockBytes = 4096;

  // Makes room for so many slots; throws std::bad_alloc.
  void reserve(std::size_t slots) {
    if (slots > blocks_.size()) blocks_.resize(slots);
  }
  void set(std::uint32_t slot, std::size_t bytes) noexcept {
    const auto blocks = static_cast<std::uint32_t>((bytes + kBlockBytes - 1) / kBlockBytes);
    used_blocks_ += blocks;
    used_blocks_ -= blocks_[slot];
    blocks_[slot] = blocks;
  }

  std::uint64_t bytes_max() const noexcept { return bytes_max_; }
  std::uint64_t used_bytes() const noexcept { return used_blocks_ * kBlockBytes; }
  std::uint64_t bytes_of(std::uint32_t slot) const noexcept { return blocks_[slot] * kBlockBytes; }
  bool is_exceeded() const noexcept { return used_bytes() > bytes_max_; }

  // The slot with the most bytes. Not while nothing is used.
  std::uint32_t largest() const noexcept {
    return static_cast<std::uint32_t>(std::ranges::max_element(blocks_) - blocks_.begin());
  }

 private:
  std::uint64_t bytes_max_;
  std::vector<std::uint32_t> blocks_;  // by slot
  std::uint64_t used_blocks_ = 0;
};

}  // namespace fairlead
