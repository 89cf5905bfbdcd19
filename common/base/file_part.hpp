// A range of a file for sendfile(2).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fairlead {

// The descriptor is open for reading and belongs to the creator of this.
struct FilePart {
  int descriptor = -1;
  std::uint64_t offset = 0;
  std::size_t size = 0;  // bytes; 0: nothing
};

}  // namespace fairlead
