// Makes the N-th allocation of a test fail. The program that wants this replaces operator new (see
// tests/unit/core/allocation_test.cpp) and asks allocation_fails() there; everywhere else the
// counting costs a branch in the fakes.
#pragma once

namespace fairlead {

// Counts down while armed and not suspended; single-threaded, as all that uses it.
struct FailingAllocations {
  static inline long left = 0;       // allocations that still succeed
  static inline bool armed = false;  // disarmed by the failure
  static inline int suspended = 0;

  static bool now() noexcept {
    if (!armed || suspended > 0) return false;
    if (left-- > 0) return false;
    armed = false;
    return true;
  }
};

// The test's own world never lacks memory.
class AllocationsSucceed {
 public:
  AllocationsSucceed() noexcept { ++FailingAllocations::suspended; }
  ~AllocationsSucceed() { --FailingAllocations::suspended; }
  AllocationsSucceed(const AllocationsSucceed&) = delete;
  AllocationsSucceed& operator=(const AllocationsSucceed&) = delete;
};

// What is under test does, also within the above.
class AllocationsMayFail {
 public:
  AllocationsMayFail() noexcept : before_(FailingAllocations::suspended) {
    FailingAllocations::suspended = 0;
  }
  ~AllocationsMayFail() { FailingAllocations::suspended = before_; }
  AllocationsMayFail(const AllocationsMayFail&) = delete;
  AllocationsMayFail& operator=(const AllocationsMayFail&) = delete;

 private:
  const int before_;
};

}  // namespace fairlead
