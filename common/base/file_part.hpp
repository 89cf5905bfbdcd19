// Bytes of a file that go to the kernel without being read.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fairlead {

// As of sendfile(2). Whoever made it owns the descriptor, which is open for reading.
struct FilePart {
  int descriptor = -1;
  std::uint64_t offset = 0;
  std::size_t size = 0;  // bytes; 0: nothing
};

}  // namespace fairlead
