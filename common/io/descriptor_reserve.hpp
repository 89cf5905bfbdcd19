// Descriptors kept for the moment when there are no others.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace fairlead {

// Made first of all, so that its numbers are low: when the limit of a running process is lowered,
// only numbers below it can be opened again (setrlimit(2), RLIMIT_NOFILE). Used from any thread.
class DescriptorReserve {
 public:
  // Opens as many of `count` as can be had.
  explicit DescriptorReserve(std::size_t count);
  ~DescriptorReserve();
  DescriptorReserve(const DescriptorReserve&) = delete;
  DescriptorReserve& operator=(const DescriptorReserve&) = delete;

  // Closes one, so that the next descriptor asked for can be had. False: none is left.
  bool spend_one() noexcept;

  // Takes back what was spent, as far as it can be had now.
  void refill() noexcept;

 private:
  std::mutex mutex_;
  const std::size_t count_;
  std::vector<int> descriptors_;  // guarded by mutex_
};

}  // namespace fairlead
