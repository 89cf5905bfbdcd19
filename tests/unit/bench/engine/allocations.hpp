// Counts what a test program takes of memory.
#pragma once

#include <cstddef>

namespace fairlead {

// Calls of operator new so far, by all threads.
std::size_t allocations() noexcept;

}  // namespace fairlead
