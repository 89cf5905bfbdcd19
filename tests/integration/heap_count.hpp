// How often the calling thread has taken heap memory.
#pragma once

#include <cstdint>

namespace fairlead {

std::uint64_t heap_allocations() noexcept;

}  // namespace fairlead
