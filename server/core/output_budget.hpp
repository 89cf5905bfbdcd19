// [limits] max_buffer_memory: what waits to be sent to all clients of all shards together, and what
// they have sent behind it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace fairlead {

// One for the daemon, shared by its shards, thread-safe; outlives them. Shards take from it in
// grants, so that its counter is touched once per hundreds of kilobytes and not per message.
//
// When a shard gets no grant, a round of relief begins: every shard reports how large its queues
// are, the last one decides how many of each shard's largest go until nine tenths of the limit are
// left, and every shard ends those. Meanwhile each shard may overdraw by one grant; one that needs
// more ends its own largest at once.
//
// Invariant: the shards' queues together <= bytes_max + shards * grant_bytes() at the end of any
// turn.
class OutputBudget {
 public:
  OutputBudget(std::uint64_t bytes_max, std::uint32_t shards);

  std::uint64_t bytes_max() const noexcept { return bytes_max_; }
  std::uint64_t grant_bytes() const noexcept { return grant_bytes_; }
  std::uint64_t granted_bytes() const noexcept {
    return granted_bytes_.load(std::memory_order_relaxed);
  }

  bool take(std::uint64_t bytes) noexcept;  // false: that would be above the limit
  void overdraw(std::uint64_t bytes) noexcept;
  void give_back(std::uint64_t bytes) noexcept;

  // Called when a shard has to do its part of a round: gives every shard a turn soon. Set before
  // the shards run; may stay empty where there is one.
  std::function<void()> ring;

  // ---- A round of relief. Each shard asks at the end of its turns what it has to do.

  enum class Part : std::uint8_t { nothing, report, end_largest };
  Part part_of(std::uint32_t shard) const noexcept;

  void begin_round();  // nothing, when one is running
  void report(std::uint32_t shard, const std::vector<std::uint64_t>& queue_bytes);
  std::size_t take_verdict(std::uint32_t shard);  // how many of its largest have to go

 private:
  enum class Stage : std::uint8_t { calm, reporting, ending };

  struct Queue {
    std::uint64_t bytes;
    std::uint32_t shard;
  };
  void decide();

  const std::uint64_t bytes_max_;
  const std::uint64_t grant_bytes_;
  const std::uint32_t shards_;
  std::atomic<std::uint64_t> granted_bytes_{0};
  std::vector<std::atomic<Part>> parts_;  // by shard; written under the mutex

  std::mutex mutex_;  // guards what follows
  Stage stage_ = Stage::calm;
  std::uint32_t waiting_for_ = 0;  // shards
  std::vector<Queue> reported_;
  std::vector<std::size_t> verdict_;  // by shard
};

// One shard's account with it, and what each of its sessions has in it, by slot: side by side, so
// that to look for the largest costs little. Touched by the shard's thread only.
class OutputAccount {
 public:
  explicit OutputAccount(OutputBudget& budget) noexcept : budget_(budget) {}
  ~OutputAccount() { budget_.give_back(granted_); }
  OutputAccount(const OutputAccount&) = delete;
  OutputAccount& operator=(const OutputAccount&) = delete;

  // A queue counts by the blocks it takes: memory is what is short.
  static constexpr std::uint64_t kBlockBytes = 4096;

  // Makes room for so many slots; throws std::bad_alloc.
  void reserve(std::size_t slots) {
    if (slots > queued_blocks_.size()) queued_blocks_.resize(slots);
  }
  void set(std::uint32_t slot, std::size_t bytes) noexcept {
    const auto blocks = static_cast<std::uint32_t>((bytes + kBlockBytes - 1) / kBlockBytes);
    used_ += blocks * kBlockBytes;
    used_ -= queued_blocks_[slot] * kBlockBytes;
    queued_blocks_[slot] = blocks;
  }
  std::uint64_t bytes_of(std::uint32_t slot) const noexcept {
    return queued_blocks_[slot] * kBlockBytes;
  }
  std::uint64_t used_bytes() const noexcept { return used_; }

  // What each slot has, of those that have anything.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const std::uint32_t blocks : queued_blocks_)
      if (blocks > 0) visit(blocks * kBlockBytes);
  }
  // The first slot at or behind `slot` with so many bytes or more; slots() if there is none.
  std::uint32_t next(std::uint32_t slot, std::uint64_t bytes_min) const noexcept {
    while (slot < slots() && bytes_of(slot) < bytes_min) ++slot;
    return slot;
  }
  std::uint32_t slots() const noexcept { return static_cast<std::uint32_t>(queued_blocks_.size()); }

  // Takes or gives back grants, so that they cover what is used.
  enum class Cover : std::uint8_t {
    whole,
    overdrawn,  // by one grant: it is time for a round of relief
    missing,    // by more than that
  };
  Cover settle() noexcept;

  // Keeps no more than covers what is used, for the others.
  void give_back_spare() noexcept;

 private:
  OutputBudget& budget_;
  std::vector<std::uint32_t> queued_blocks_;  // by slot
  std::uint64_t used_ = 0;                    // the sum of them, in bytes
  std::uint64_t granted_ = 0;
  bool overdrawn_ = false;  // one of the grants was taken above the limit
};

}  // namespace fairlead
