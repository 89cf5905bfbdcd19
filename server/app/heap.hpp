// How much memory the daemon has from its heap.
#pragma once

#include <cstdint>

namespace fairlead {

// The bytes that operator new has given and not got back, of all threads; what C libraries take by
// malloc(3) is not among them. mallinfo2(3) would know of those as well, but it walks every free
// piece: tens of milliseconds of a loop, just after thousands of queues have been freed. 0 under a
// sanitizer, whose own operators stay in place. From any thread.
std::uint64_t heap_bytes_in_use() noexcept;

}  // namespace fairlead
