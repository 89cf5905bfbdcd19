#include "common/protocol/len32_codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/protocol/recorder.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Status = DecodeResult::Status;

constexpr std::uint32_t kMessageMax = 1000;

std::string with_length(std::uint32_t length, std::string_view payload) {
  const auto bytes = big_endian_32(length);
  return std::string(bytes.data(), bytes.size()) + std::string(payload);
}

std::string message(std::string_view payload) {
  return with_length(static_cast<std::uint32_t>(payload.size()), payload);
}

Decoded decode(const std::string& stream) {
  BufferPool pool;
  Len32Codec codec(pool, kMessageMax);
  return decode_pieces(codec, {stream});
}

TEST(Len32Codec, ReadsMessagesEmptyOnesToo) {
  EXPECT_THAT(decode(message("hello") + message("") + message("\r\n")).heard,
              ElementsAre(said("hello"), said(""), said("\r\n")));
}

TEST(Len32Codec, WritesWhatItReads) {
  BufferPool pool;
  const Len32Codec codec(pool, kMessageMax);
  EXPECT_EQ(encoded(codec, said("hello")), Bytes("\0\0\0\5hello", 9));
  EXPECT_EQ(encoded(codec, said("")), Bytes("\0\0\0\0", 4));
  // A line end belongs to text only.
  EXPECT_EQ(encoded(codec, said("a", LineEnd::crlf)), Bytes("\0\0\0\1a", 5));
}

TEST(Len32Codec, TakesTheLongestMessageAndRefusesOneByteMore) {
  EXPECT_EQ(decode(message(std::string(kMessageMax, 'x'))).heard.size(), 1U);
  const Decoded longer = decode(message("first") + message(std::string(kMessageMax + 1, 'x')));
  EXPECT_EQ(longer.reason, CloseReason::message_too_big);
  EXPECT_EQ(longer.problem, "length above max_message");
  EXPECT_THAT(longer.heard, ElementsAre(said("first")));
}

TEST(Len32Codec, RefusesALyingLengthBeforeAByteOfItIsKept) {
  for (const std::uint32_t length : {kMessageMax + 1, 0x7fffffffU, 0xffffffffU}) {
    BufferPool pool;
    Len32Codec codec(pool, kMessageMax);
    Recorder recorder;
    const DecodeResult result = codec.feed(with_length(length, "abc"), recorder);
    EXPECT_EQ(result.status, Status::failed);
    EXPECT_EQ(codec.kept_bytes(), 0U);
    EXPECT_EQ(pool.bytes_in_use(), 0U);
  }
}

TEST(Len32Codec, HoldsWhatHasArrivedAndNotWhatWasAnnounced) {
  BufferPool pool;
  Len32Codec codec(pool, (1U << 24) - 1);
  Recorder recorder;
  EXPECT_EQ(codec.feed(with_length((1U << 24) - 1, "abc"), recorder).status, Status::ok);
  EXPECT_EQ(codec.kept_bytes(), 7U);
  EXPECT_EQ(pool.bytes_in_use(), BufferPool::kSmallest);
  EXPECT_TRUE(codec.mid_message());
  EXPECT_FALSE(codec.awaits_pause());
}

TEST(Len32Codec, AMessageThatTheEndOfTheStreamTearsIsNone) {
  EXPECT_THAT(decode(with_length(5, "hell")).heard, IsEmpty());
  EXPECT_THAT(decode(std::string(3, '\0')).heard, IsEmpty());
}

}  // namespace
}  // namespace fairlead
