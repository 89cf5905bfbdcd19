// FAIRLEAD_CHECK: for conditions that only a bug can break, never for input.
#pragma once

namespace fairlead {

// Prints the broken invariant and its place to stderr, then aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace fairlead

#define FAIRLEAD_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::fairlead::check_failed(#condition, __FILE__, __LINE__))
