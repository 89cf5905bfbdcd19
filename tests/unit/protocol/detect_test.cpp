#include "common/protocol/detect.hpp"

#include <gtest/gtest.h>

#include <string>

#include "common/protocol/frame.hpp"

namespace fairlead {
namespace {

TEST(Detect, DecidesEveryFirstByteThatBeginsOnlyOneThing) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string first(1, static_cast<char>(byte));
    const Detected expected = byte == 0x00                   ? Detected::len32
                              : byte == 0x16 || byte == 0xff ? Detected::undecided
                                                             : Detected::text;
    EXPECT_EQ(detect(first), expected) << byte;
    if (expected == Detected::undecided) continue;
    EXPECT_EQ(detect(first + "FLD"), expected) << byte;
  }
}

TEST(Detect, NothingIsUndecided) { EXPECT_EQ(detect({}), Detected::undecided); }

TEST(Detect, TlsIsKnownAtItsSecondByte) {
  EXPECT_EQ(detect("\x16"), Detected::undecided);
  EXPECT_EQ(detect("\x16\x03"), Detected::tls);
  EXPECT_EQ(detect("\x16\x03\x01\x02"), Detected::tls);
  EXPECT_EQ(detect("\x16\x04"), Detected::text);
  EXPECT_EQ(detect("\x16\n"), Detected::text);
}

TEST(Detect, FramedIsKnownAtTheFourthByteOfThePreface) {
  EXPECT_EQ(detect(kPreface.substr(0, 1)), Detected::undecided);
  EXPECT_EQ(detect(kPreface.substr(0, 2)), Detected::undecided);
  EXPECT_EQ(detect(kPreface.substr(0, 3)), Detected::undecided);
  EXPECT_EQ(detect(kPreface.substr(0, 4)), Detected::framed);
  EXPECT_EQ(detect(kPreface), Detected::framed);
  // The version is the codec's business, which can say what is wrong with it.
  EXPECT_EQ(detect("\xff"
                   "FLD\x02"),
            Detected::framed);
}

TEST(Detect, WhatLeavesThePrefaceIsText) {
  EXPECT_EQ(detect("\xff\xfb\x01"), Detected::text);  // telnet's negotiation
  EXPECT_EQ(detect("\xff"
                   "FX"),
            Detected::text);
  EXPECT_EQ(detect("\xff"
                   "FLx"),
            Detected::text);
  EXPECT_EQ(detect("\xff"
                   "fld"),
            Detected::text);
}

// A decision never changes as more arrives, and comes with the fourth byte at the latest.
TEST(Detect, StandsByItsDecision) {
  const std::string streams[] = {std::string(kPreface) + "more",
                                 std::string("\x16\x03\x01\x00", 4),
                                 std::string("\0\0\0\x05hello", 9),
                                 "\xff"
                                 "FLy....",
                                 "hello",
                                 "\x16\x16\x03"};
  for (const std::string& stream : streams) {
    Detected decided = Detected::undecided;
    for (std::size_t size = 1; size <= stream.size(); ++size) {
      const Detected now = detect(Bytes(stream).substr(0, size));
      if (decided != Detected::undecided) {
        EXPECT_EQ(now, decided) << stream << " at " << size;
      }
      if (size >= 4) {
        EXPECT_NE(now, Detected::undecided) << stream << " at " << size;
      }
      decided = now;
    }
  }
}

}  // namespace
}  // namespace fairlead
