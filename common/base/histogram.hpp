// Counts values with a chosen number of digits in a fixed amount of memory.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fairlead {

// Log-linear, as HdrHistogram: each value below 2^ExactBits has a bucket, and every doubling above
// is divided into half as many. In microseconds the range is one to 71 minutes; a larger value
// counts as kValueMax. Recording allocates nothing. For one thread; += merges those of several.
template <unsigned ExactBits>
class BasicHistogram {
 public:
  static constexpr std::uint64_t kValueMax = (std::uint64_t{1} << 32) - 1;

  void record(std::uint64_t value, std::uint64_t times = 1) noexcept {
    value = std::min(value, kValueMax);
    buckets_[index_of(value)] += times;
    count_ += times;
    sum_ += value * times;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  std::uint64_t max() const noexcept { return max_; }  // exact, like min()
  double mean() const noexcept {
    return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
  }

  // The value that `share` (0 to 1) of all do not exceed, as the maximum of its bucket; 0 without
  // values.
  std::uint64_t quantile(double share) const noexcept {
    const auto wanted = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= wanted) return std::min(bucket_max(i), max_);
    }
    return max_;
  }

  BasicHistogram& operator+=(const BasicHistogram& other) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    return *this;
  }

  // Calls visit(min, max, times) for each bucket that is not empty, in rising order.
  template <class Visit>
  void each(Visit&& visit) const {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (buckets_[i] > 0) visit(bucket_min(i), bucket_max(i), buckets_[i]);
    }
  }

 private:
  static constexpr std::size_t kExact = std::size_t{1} << ExactBits;
  static constexpr std::size_t kPerDoubling = kExact / 2;
  static constexpr std::size_t kBuckets = kExact + (32 - ExactBits) * kPerDoubling;

  // Above the exact values: the doubling, and the place within it.
  static std::size_t index_of(std::uint64_t value) noexcept {
    if (value < kExact) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - ExactBits;
    return shift * kPerDoubling + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t bucket_min(std::size_t index) noexcept {
    if (index < kExact) return index;
    const std::size_t shift = index / kPerDoubling - 1;
    return std::uint64_t{index - shift * kPerDoubling} << shift;
  }
  static std::uint64_t bucket_max(std::size_t index) noexcept {
    if (index < kExact) return index;
    const std::size_t shift = index / kPerDoubling - 1;
    return bucket_min(index) + (std::uint64_t{1} << shift) - 1;
  }

  std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>(kBuckets);
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = kValueMax;
  std::uint64_t max_ = 0;
};

using Histogram = BasicHistogram<11>;       // three digits: to a thousandth; 184 KiB
using CoarseHistogram = BasicHistogram<7>;  // to a sixty-fourth; 14 KiB

}  // namespace fairlead
