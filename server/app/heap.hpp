// How much memory the daemon has taken from its heap.
#pragma once

#include <cstdint>

namespace fairlead {

// The bytes that operator new has given out to all threads and not taken back, without what C
// libraries take by malloc(3). mallinfo2(3) knows those as well, but it walks every free piece,
// which takes tens of milliseconds of a loop when thousands of queues have just been freed. 0 under
// a sanitizer, which has operators of its own. From any thread.
std::uint64_t heap_bytes_in_use() noexcept;

// Gives the kernel the memory that a peak has left behind in the heap, where that is much. It takes
// about 1 ms for 10 MiB, in which other threads may wait for memory.
void give_memory_back() noexcept;

}  // namespace fairlead
