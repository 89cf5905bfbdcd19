#include "common/protocol/framed_codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/protocol/recorder.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Status = DecodeResult::Status;

constexpr std::uint32_t kPayloadMax = 1000;

// A frame as any peer could send it, rightly or not.
std::string raw_frame(int type, std::string_view payload, int flags = 0, std::uint16_t channel = 0,
                      std::uint32_t id = 0) {
  auto header = frame_header({.type = static_cast<FrameType>(type),
                              .channel = channel,
                              .request_id = id,
                              .payload = payload});
  header[5] = static_cast<char>(flags);
  return std::string(header.data(), header.size()) + std::string(payload);
}

std::string header_of_length(std::uint32_t length, int type) {
  const auto bytes = big_endian_32(length);
  return std::string(bytes.data(), bytes.size()) + raw_frame(type, "").substr(4);
}

std::string after_preface(const std::string& frames) { return std::string(kPreface) + frames; }

Decoded decode(const std::string& stream) {
  BufferPool pool;
  FramedCodec codec(pool, kPayloadMax);
  return decode_pieces(codec, {stream});
}

TEST(FramedCodec, ReadsEveryFieldOfAFrame) {
  const Decoded decoded = decode(after_preface(raw_frame(0x05, "payload", 0, 0xa1a2, 0xb1b2b3b4)));
  EXPECT_EQ(decoded.reason, CloseReason::none);
  EXPECT_THAT(decoded.heard, ElementsAre(Heard{.type = FrameType::message,
                                               .channel = 0xa1a2,
                                               .request_id = 0xb1b2b3b4,
                                               .payload = "payload"}));
}

TEST(FramedCodec, ReadsEveryKnownType) {
  for (int type = 0x01; type <= 0x0a; ++type) {
    const Decoded decoded = decode(after_preface(raw_frame(type, "")));
    EXPECT_THAT(decoded.heard, ElementsAre(Heard{.type = static_cast<FrameType>(type)}));
  }
}

TEST(FramedCodec, WritesWhatItReads) {
  BufferPool pool;
  FramedCodec writer(pool, kPayloadMax);
  const std::vector<Heard> frames = {
      {.type = FrameType::hello, .payload = "hello"},
      {.type = FrameType::open, .channel = 65535, .request_id = 0xffffffff, .payload = "echo"},
      {.type = FrameType::message, .channel = 1, .request_id = 7},
      {.type = FrameType::goaway, .payload = std::string(kPayloadMax, '\xff')},
  };
  std::string stream(kPreface);
  for (const Heard& frame : frames) stream += encoded(writer, frame);
  EXPECT_EQ(decode(stream).heard, frames);
}

TEST(FramedCodec, RefusesAnythingButThePrefaceAtTheFirstWrongByte) {
  for (std::size_t at = 0; at < kPreface.size(); ++at) {
    BufferPool pool;
    FramedCodec codec(pool, kPayloadMax);
    Recorder recorder;
    EXPECT_EQ(codec.feed(kPreface.substr(0, at), recorder).status, Status::ok);
    const DecodeResult result = codec.feed("\x77", recorder);
    EXPECT_EQ(result.status, Status::failed);
    EXPECT_EQ(result.reason, CloseReason::protocol_error);
    EXPECT_STREQ(result.problem, "bad preface");
    EXPECT_THAT(recorder.heard, IsEmpty());
  }
}

// Files own 20-3F; rooms (40-5F) are reserved and not spoken yet.
TEST(FramedCodec, RefusesUnknownTypesBelow80) {
  for (const int type : {0x00, 0x0b, 0x1f, 0x2a, 0x3f, 0x40, 0x5f, 0x7f}) {
    const Decoded decoded =
        decode(after_preface(raw_frame(0x08, "a") + raw_frame(type, "") + raw_frame(0x08, "b")));
    EXPECT_EQ(decoded.reason, CloseReason::protocol_error) << type;
    EXPECT_EQ(decoded.problem, "unknown frame type") << type;
    EXPECT_THAT(decoded.heard, ElementsAre(Heard{.type = FrameType::ping, .payload = "a"}));
  }
}

TEST(FramedCodec, SkipsUnknownTypesFrom80On) {
  for (const int type : {0x80, 0xa5, 0xff}) {
    const Decoded decoded = decode(after_preface(raw_frame(type, "an extension", 0xff) +
                                                 raw_frame(type, "") + raw_frame(0x08, "b")));
    EXPECT_EQ(decoded.reason, CloseReason::none) << type;
    EXPECT_THAT(decoded.heard, ElementsAre(Heard{.type = FrameType::ping, .payload = "b"}));
  }
}

TEST(FramedCodec, KeepsNothingOfWhatItSkips) {
  BufferPool pool;
  FramedCodec codec(pool, kPayloadMax);
  Recorder recorder;
  const std::string stream =
      after_preface(raw_frame(0x90, std::string(kPayloadMax, 'x')) + raw_frame(0x08, "b"));
  codec.feed(Bytes(stream).substr(0, kPreface.size() + kFrameHeaderBytes), recorder);
  for (std::size_t at = kPreface.size() + kFrameHeaderBytes; at < stream.size(); ++at) {
    codec.feed(Bytes(stream).substr(at, 1), recorder);
    ASSERT_LE(codec.kept_bytes(), kFrameHeaderBytes + 1);
  }
  EXPECT_THAT(recorder.heard, ElementsAre(Heard{.type = FrameType::ping, .payload = "b"}));
}

TEST(FramedCodec, RefusesEveryReservedFlag) {
  for (int flag = 0x01; flag <= 0x80; flag <<= 1) {
    const Decoded decoded = decode(after_preface(raw_frame(0x05, "x", flag)));
    EXPECT_EQ(decoded.reason, CloseReason::protocol_error);
    EXPECT_EQ(decoded.problem, "reserved frame flag");
    EXPECT_THAT(decoded.heard, IsEmpty());
  }
}

TEST(FramedCodec, TakesTheLongestPayloadAndRefusesOneByteMore) {
  const Decoded longest = decode(after_preface(raw_frame(0x05, std::string(kPayloadMax, 'x'))));
  EXPECT_EQ(longest.reason, CloseReason::none);
  EXPECT_EQ(longest.heard.at(0).payload.size(), kPayloadMax);
  for (const int type : {0x05, 0x80}) {
    const Decoded longer =
        decode(after_preface(raw_frame(type, std::string(kPayloadMax + 1, 'x'))));
    EXPECT_EQ(longer.reason, CloseReason::protocol_error) << type;
    EXPECT_EQ(longer.problem, "frame above the size limit") << type;
  }
}

TEST(FramedCodec, RefusesALyingLengthBeforeAByteOfItIsKept) {
  for (const std::uint32_t length : {kPayloadMax + 1, 0x01000000U, 0xffffffffU}) {
    BufferPool pool;
    FramedCodec codec(pool, kPayloadMax);
    Recorder recorder;
    codec.feed(kPreface, recorder);
    const std::string header = header_of_length(length, 0x05);
    codec.feed(Bytes(header).substr(0, 11), recorder);
    EXPECT_EQ(codec.kept_bytes(), 11U);
    EXPECT_EQ(pool.bytes_in_use(), BufferPool::kSmallest);
    EXPECT_EQ(codec.feed(Bytes(header).substr(11), recorder).status, Status::failed);
    EXPECT_EQ(pool.bytes_in_use(), 0U);
  }
}

TEST(FramedCodec, HoldsWhatHasArrivedAndNotWhatWasAnnounced) {
  BufferPool pool;
  FramedCodec codec(pool, (1U << 24) - 1);
  Recorder recorder;
  const std::string stream = after_preface(header_of_length((1U << 24) - 1, 0x05)) + "abc";
  EXPECT_EQ(codec.feed(stream, recorder).status, Status::ok);
  EXPECT_EQ(codec.kept_bytes(), kFrameHeaderBytes + 3);
  EXPECT_EQ(pool.bytes_in_use(), BufferPool::kSmallest);
  EXPECT_TRUE(codec.mid_message());
}

TEST(FramedCodec, KnowsNoPauses) {
  BufferPool pool;
  FramedCodec codec(pool, kPayloadMax);
  Recorder recorder;
  codec.feed(after_preface(raw_frame(0x05, "abc").substr(0, 13)), recorder);
  EXPECT_TRUE(codec.mid_message());
  EXPECT_FALSE(codec.awaits_pause());
  EXPECT_EQ(codec.on_pause(recorder).status, Status::ok);
  EXPECT_THAT(recorder.heard, IsEmpty());
  EXPECT_EQ(codec.feed("bc", recorder).status, Status::ok);
  EXPECT_THAT(recorder.heard, ElementsAre(Heard{.payload = "abc"}));
}

TEST(FramedCodec, AFrameThatTheEndOfTheStreamTearsIsNone) {
  EXPECT_THAT(decode(after_preface(raw_frame(0x05, "abc").substr(0, 14))).heard, IsEmpty());
  EXPECT_THAT(decode(std::string(kPreface.substr(0, 7))).heard, IsEmpty());
}

}  // namespace
}  // namespace fairlead
