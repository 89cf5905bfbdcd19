#include "common/protocol/frame.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairlead {
namespace {

TEST(Frame, NumbersAreBigEndian) {
  EXPECT_EQ((std::array<char, 4>{'\x01', '\x23', '\x45', '\x67'}), big_endian_32(0x01234567));
  EXPECT_EQ((std::array<char, 2>{'\x89', '\xab'}), big_endian_16(0x89ab));
  EXPECT_EQ(read_big_endian_32("\xfe\xdc\xba\x98"), 0xfedcba98U);
  EXPECT_EQ(read_big_endian_16("\xff\x80"), 0xff80U);
}

TEST(Frame, NumbersSurviveTheWayThere) {
  for (const std::uint32_t value : {0U, 1U, 0x7fU, 0x80U, 0xffffU, 0x80000000U, 0xffffffffU}) {
    EXPECT_EQ(read_big_endian_32(big_endian_32(value).data()), value);
    const auto low = static_cast<std::uint16_t>(value);
    EXPECT_EQ(read_big_endian_16(big_endian_16(low).data()), low);
  }
}

TEST(Frame, TheHeaderHasEveryFieldAtItsPlace) {
  const std::string payload(0x010203, 'x');
  const auto header = frame_header(
      {.type = FrameType::error, .channel = 0xa1a2, .request_id = 0xb1b2b3b4, .payload = payload});
  EXPECT_EQ(Bytes(header.data(), header.size()),
            Bytes("\x00\x01\x02\x03\x07\x00\xa1\xa2\xb1\xb2\xb3\xb4", 12));
}

TEST(Frame, EveryTypeIsFoundByItsByteAndNoOther) {
  std::size_t found = 0;
  for (int type = 0; type < 256; ++type) {
    const FrameKind* kind = find_frame_kind(static_cast<std::uint8_t>(type));
    if (kind == nullptr) continue;
    EXPECT_EQ(static_cast<int>(kind->type), type);
    ++found;
  }
  EXPECT_EQ(found, std::size(kFrameKinds));
}

TEST(Frame, FileRequestsComeFromClientsAndMessagesFromServers) {
  for (const FrameKind& kind : kFrameKinds) {
    EXPECT_TRUE(!kind.is_file_request || kind.sender == Sender::client) << kind.name;
    EXPECT_TRUE(!kind.is_message || kind.sender != Sender::client) << kind.name;
  }
}

TEST(Frame, ThePrefaceIsTheOneOfVersionOne) {
  EXPECT_EQ(kPreface, Bytes("\xff\x46\x4c\x44\x01\x00\x00\x00", 8));
}

}  // namespace
}  // namespace fairlead
