#include "server/core/output_budget.hpp"

#include <algorithm>
#include <new>

namespace fairlead {
namespace {

// Small enough that what idle grants hold back does not count, large enough to be rare.
std::uint64_t grant_for(std::uint64_t bytes_max, std::uint32_t shards) {
  return std::clamp<std::uint64_t>(bytes_max / (std::uint64_t{32} * shards),
                                   OutputAccount::kBlockBytes, 1024 * 1024);
}

}  // namespace

OutputBudget::OutputBudget(std::uint64_t bytes_max, std::uint32_t shards)
    : bytes_max_(bytes_max),
      grant_bytes_(grant_for(bytes_max, shards)),
      shards_(shards),
      parts_(shards),
      verdict_(shards) {}

bool OutputBudget::take(std::uint64_t bytes) noexcept {
  std::uint64_t granted = granted_bytes_.load(std::memory_order_relaxed);
  do {
    if (granted + bytes > bytes_max_) return false;
  } while (
      !granted_bytes_.compare_exchange_weak(granted, granted + bytes, std::memory_order_relaxed));
  return true;
}

void OutputBudget::overdraw(std::uint64_t bytes) noexcept {
  granted_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

void OutputBudget::give_back(std::uint64_t bytes) noexcept {
  granted_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

// ---- A round of relief ----

OutputBudget::Part OutputBudget::part_of(std::uint32_t shard) const noexcept {
  return parts_[shard].load(std::memory_order_relaxed);
}

void OutputBudget::begin_round() {
  {
    const std::lock_guard lock(mutex_);
    if (stage_ != Stage::calm) return;
    stage_ = Stage::reporting;
    waiting_for_ = shards_;
    reported_.clear();
    for (auto& part : parts_) part.store(Part::report, std::memory_order_relaxed);
  }
  if (ring) ring();
}

void OutputBudget::report(std::uint32_t shard, const std::vector<std::uint64_t>& queue_bytes) {
  {
    const std::lock_guard lock(mutex_);
    try {
      for (const std::uint64_t bytes : queue_bytes) reported_.push_back({bytes, shard});
    } catch (const std::bad_alloc&) {
      // Those that were reported are enough to begin with; the next round sees the others.
    }
    parts_[shard].store(Part::nothing, std::memory_order_relaxed);
    if (--waiting_for_ > 0) return;
    decide();
    stage_ = Stage::ending;
    waiting_for_ = shards_;
    for (auto& part : parts_) part.store(Part::end_largest, std::memory_order_relaxed);
  }
  if (ring) ring();
}

void OutputBudget::decide() {
  std::fill(verdict_.begin(), verdict_.end(), 0);
  std::uint64_t left = 0;
  for (const Queue& queue : reported_) left += queue.bytes;
  std::sort(reported_.begin(), reported_.end(), [](const Queue& a, const Queue& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.shard < b.shard;
  });
  const std::uint64_t wanted = bytes_max_ / 10 * 9;
  for (const Queue& queue : reported_) {
    if (left <= wanted) break;
    left -= queue.bytes;
    ++verdict_[queue.shard];
  }
}

std::size_t OutputBudget::take_verdict(std::uint32_t shard) {
  const std::lock_guard lock(mutex_);
  parts_[shard].store(Part::nothing, std::memory_order_relaxed);
  if (--waiting_for_ == 0) stage_ = Stage::calm;
  return verdict_[shard];
}

OutputAccount::Cover OutputAccount::settle() noexcept {
  const std::uint64_t grant = budget_.grant_bytes();
  if (used_ > granted_) {
    const std::uint64_t wanted = (used_ - granted_ + grant - 1) / grant * grant;
    if (budget_.take(wanted)) {
      granted_ += wanted;
      overdrawn_ = false;
      return Cover::whole;
    }
    if (wanted > grant || overdrawn_) return Cover::missing;
    budget_.overdraw(grant);
    granted_ += grant;
    overdrawn_ = true;
    return Cover::overdrawn;
  }
  // Some grants stay at hand, so that a queue that comes and goes does not touch the counter.
  if (granted_ - used_ > 3 * grant) give_back_spare();
  return Cover::whole;
}

void OutputAccount::give_back_spare() noexcept {
  if (used_ >= granted_) return;
  const std::uint64_t grant = budget_.grant_bytes();
  const std::uint64_t spare = (granted_ - used_) / grant * grant;
  if (spare == 0) return;
  budget_.give_back(spare);
  granted_ -= spare;
  overdrawn_ = false;
}

}  // namespace fairlead
