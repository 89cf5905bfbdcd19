// The operations of one connection that have been begun and not answered, oldest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "client/bench/stats/bench_time.hpp"

namespace fairlead {

struct Outstanding {
  std::uint64_t of_connection = 0;  // its number on its connection, from 0
  BenchTime intended{};             // when it was due; open loop only
  BenchTime sent{};
  bool is_answered = false;  // before its turn
};

// A ring that takes its memory once. Used on one thread.
class OutstandingRing {
 public:
  explicit OutstandingRing(std::size_t capacity) : entries_(capacity) {}

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t free() const noexcept { return entries_.size() - size_; }
  bool full() const noexcept { return free() == 0; }

  // `index` from the oldest, < size().
  Outstanding& operator[](std::size_t index) noexcept { return entries_[place(first_ + index)]; }
  Outstanding& front() noexcept { return entries_[first_]; }

  // Not when full: the new one is as some earlier one was. Not when empty.
  Outstanding& push() noexcept { return entries_[place(first_ + size_++)]; }
  void pop() noexcept {
    first_ = place(first_ + 1);
    --size_;
  }

 private:
  std::size_t place(std::size_t index) const noexcept {
    return index < entries_.size() ? index : index - entries_.size();
  }

  std::vector<Outstanding> entries_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace fairlead
