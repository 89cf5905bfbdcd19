#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/bench/stats/hex_dump.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;

TEST(HexDiff, MarksTheFirstWrongByte) {
  const Mismatch mismatch{.offset = 0x53,
                          .shown_from = 0x40,
                          .expected =
                              "0123456789abcdefghijk\x1b"
                              "mnopqrstuv",
                          .got =
                              "0123456789abcdefghiXk\x1b"
                              "mnopqrstuv"};
  EXPECT_THAT(
      hex_diff(mismatch),
      ElementsAre("  00000040  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  |0123456789abcdef|",
                  "- 00000050  67 68 69 6a 6b 1b 6d 6e 6f 70 71 72 73 74 75 76  |ghijk.mnopqrstuv|",
                  "+ 00000050  67 68 69 58 6b 1b 6d 6e 6f 70 71 72 73 74 75 76  |ghiXk.mnopqrstuv|",
                  "                     ^^"));
}

TEST(HexDiff, ShowsMissingBytes) {
  const Mismatch mismatch{
      .offset = 16, .expected = "0123456789abcdefAB", .got = "0123456789abcdef"};
  EXPECT_THAT(
      hex_diff(mismatch),
      ElementsAre("  00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  |0123456789abcdef|",
                  "- 00000010  41 42                                            |AB|",
                  "            ^^"));
}

TEST(HexDiff, ShowsUnaskedBytesWithoutAMark) {
  EXPECT_THAT(hex_diff({.got = "\xFF"}),
              ElementsAre("+ 00000000  ff                                               |.|"));
  EXPECT_THAT(hex_diff({}), ElementsAre());
}

}  // namespace
}  // namespace fairlead
