// Memory into which files are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace fairlead {

// Bytes of a file, each half a page from its place in the file's page. AMD's string copy, by which
// the kernel reads and sends, is 6 to 15 times slower where the place that is written lies 1 to 31
// bytes behind the one that is read, modulo a page. What malloc gives for a large block lies 16
// bytes behind the beginning of a page; what the kernel sends lies behind where it lies here by the
// headers of the frames.
class PageBuffer {
 public:
  // Not initialised.
  explicit PageBuffer(std::size_t bytes)
      : pages_(std::make_unique_for_overwrite<Page[]>((bytes + kPageBytes - 1) / kPageBytes + 1)) {}

  // Room for as many bytes as it was made for, from `offset` of the file on.
  char* at(std::uint64_t offset) noexcept {
    return pages_[0].bytes + (offset + kPageBytes / 2) % kPageBytes;
  }

 private:
  static constexpr std::size_t kPageBytes = 4096;
  struct alignas(kPageBytes) Page {
    char bytes[kPageBytes];
  };

  std::unique_ptr<Page[]> pages_;
};

}  // namespace fairlead
