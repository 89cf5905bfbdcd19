#include "common/base/page_buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace fairlead {
namespace {

TEST(PageBuffer, PutsEachByteHalfAPageFromItsPlaceInTheFilesPage) {
  PageBuffer buffer(10'000);
  for (const std::uint64_t offset : {0U, 1U, 4095U, 4096U, 70'000U}) {
    char* const at = buffer.at(offset);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % 4096, (offset + 2048) % 4096) << offset;
    std::memset(at, 1, 10'000);  // a sanitizer knows whether there is room
  }
}

}  // namespace
}  // namespace fairlead
