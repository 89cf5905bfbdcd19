#include "common/base/crc32c.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairlead {
namespace {

// RFC 3720, B.4, and the check value of the catalogues of CRCs.
TEST(Crc32c, GivesThePublishedSums) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(Crc32c, InPiecesIsTheSumOfTheWhole) {
  const std::string text = "a text that is summed up in two pieces";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(crc32c(Bytes(text).substr(cut), crc32c(Bytes(text).substr(0, cut))), crc32c(text));
}

TEST(Crc32c, EveryFlippedBitChangesIt) {
  const std::string text = "some bytes that were sent";
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(crc32c(flipped), crc32c(text)) << bit;
  }
}

}  // namespace
}  // namespace fairlead
