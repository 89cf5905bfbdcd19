// What every codec owes (common/protocol/codec.hpp), held against each with the same streams: any
// split gives the same frames, nothing follows an error, a stop loses nothing. `chunk` text is made
// of deliveries and has tests of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "common/protocol/framed_codec.hpp"
#include "common/protocol/len32_codec.hpp"
#include "tests/unit/protocol/text_client.hpp"

namespace fairlead {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint32_t kMessageMax = 300;

// Decodes a stream in pieces with a codec of its own, stopping at every stop_every-th frame.
using Decode = std::function<Decoded(const std::vector<Bytes>& pieces, std::size_t stop_every)>;

struct Row {
  const char* name;
  std::string stream;
  std::size_t frames;
  CloseReason reason;
  Decode decode;
};

template <class AnyCodec>
Decoded decode_with(const std::vector<Bytes>& pieces, std::size_t stop_every) {
  BufferPool pool;
  Decoded decoded;
  {
    AnyCodec codec(pool, kMessageMax);
    decoded = decode_pieces(codec, pieces, stop_every);
  }
  EXPECT_EQ(pool.bytes_in_use(), 0U);
  return decoded;
}

Decode text_with(Boundary boundary, std::uint32_t chunk) {
  return [boundary, chunk](const std::vector<Bytes>& pieces, std::size_t stop_every) {
    TextClient client({.boundary = boundary, .chunk = chunk, .message_bytes_max = kMessageMax},
                      stop_every);
    return client.decode(pieces);
  };
}

std::string raw_frame(int type, std::string_view payload, std::uint16_t channel = 0,
                      std::uint32_t id = 0) {
  const auto header = frame_header({.type = static_cast<FrameType>(type),
                                    .channel = channel,
                                    .request_id = id,
                                    .payload = payload});
  return std::string(header.data(), header.size()) + std::string(payload);
}

std::string framed_stream() {
  return std::string(kPreface) + raw_frame(0x01, std::string("\0\1\4test", 7)) +
         raw_frame(0x02, "echo", 1, 1) + raw_frame(0x05, "", 1, 2) +
         raw_frame(0xc0, std::string(200, '\0'), 3, 3) +
         raw_frame(0x05, std::string(kMessageMax, 'x'), 1, 3) + raw_frame(0x80, "") +
         raw_frame(0x08, "ping", 9, 9) + raw_frame(0x04, std::string("\0\0\0\1", 4), 1);
}

std::string len32_message(std::string_view payload) {
  const auto length = big_endian_32(static_cast<std::uint32_t>(payload.size()));
  return std::string(length.data(), length.size()) + std::string(payload);
}

std::string len32_stream() {
  return len32_message("hello") + len32_message("") + len32_message(std::string(kMessageMax, 'x')) +
         len32_message("\n") + len32_message("bye");
}

std::string line_stream() {
  return "one\n\r\n\ntwo\r\n" + std::string(kMessageMax, 'x') + "\r\n" + gbk("好的,收到.") +
         "\r\r\n" + "你好\nrest";
}

// Lines longer than `chunk` in both encodings, with line ends at every distance from the edge.
std::string auto_stream() {
  std::string stream;
  for (int size = 14; size <= 20; ++size)
    for (const char* end : {"\n", "\r\n", "\r\r\n"})
      stream += std::string(static_cast<std::size_t>(size), 'x') + end;
  return stream + "我是客户端小明你好服务端\n" + gbk("我是客户端小明你好服务端") + "\r\n" +
         "\xff\xfe" + std::string(40, '\x81') + "\nrest";
}

std::vector<Row> rows() {
  std::vector<Row> rows = {
      {"framed", framed_stream(), 6, CloseReason::none, decode_with<FramedCodec>},
      {"framed, torn", framed_stream() + std::string(2, '\0'), 6, CloseReason::none,
       decode_with<FramedCodec>},
      {"framed, flags", framed_stream() + std::string("\0\0\0\0\5\1\0\0\0\0\0\1rest", 16), 6,
       CloseReason::protocol_error, decode_with<FramedCodec>},
      {"framed, type", framed_stream() + raw_frame(0x40, "") + raw_frame(0x08, "never"), 6,
       CloseReason::protocol_error, decode_with<FramedCodec>},
      {"framed, size", framed_stream() + raw_frame(0x05, std::string(kMessageMax + 1, 'y')), 6,
       CloseReason::protocol_error, decode_with<FramedCodec>},
      {"framed, preface",
       "\xff"
       "FLD\x02 never",
       0, CloseReason::protocol_error, decode_with<FramedCodec>},
      {"len32", len32_stream(), 5, CloseReason::none, decode_with<Len32Codec>},
      {"len32, size", len32_stream() + len32_message(std::string(kMessageMax + 1, 'y')) + "never",
       5, CloseReason::message_too_big, decode_with<Len32Codec>},
      {"line", line_stream(), 6, CloseReason::none, text_with(Boundary::line, 1024)},
      {"line, size", "one\n" + std::string(kMessageMax + 1, 'y') + "\nnever\n", 1,
       CloseReason::message_too_big, text_with(Boundary::line, 1024)},
  };
  for (const std::uint32_t chunk : {16U, 17U, 1024U}) {
    const Decode decode = text_with(Boundary::automatic, chunk);
    const std::size_t frames = decode({auto_stream()}, 0).heard.size();
    rows.push_back({"auto", auto_stream(), frames, CloseReason::none, decode});
  }
  return rows;
}

TEST(CodecContract, AWholeStreamGivesItsFramesAndItsEnd) {
  for (const Row& row : rows()) {
    const Decoded whole = row.decode({row.stream}, 0);
    EXPECT_THAT(whole.heard, SizeIs(row.frames)) << row.name;
    EXPECT_EQ(whole.reason, row.reason) << row.name;
  }
}

TEST(CodecContract, EverySplitGivesTheSame) {
  for (const Row& row : rows()) {
    const Decoded whole = row.decode({row.stream}, 0);
    const Bytes stream = row.stream;
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
      ASSERT_EQ(row.decode({stream.substr(0, cut), stream.substr(cut)}, 0), whole)
          << row.name << ", cut " << cut;
    }
  }
}

TEST(CodecContract, ByteByByteGivesTheSame) {
  for (const Row& row : rows()) {
    EXPECT_EQ(row.decode(byte_by_byte(row.stream), 0), row.decode({row.stream}, 0)) << row.name;
  }
}

TEST(CodecContract, RandomSplitsAndStopsGiveTheSame) {
  for (const Row& row : rows()) {
    const Decoded whole = row.decode({row.stream}, 0);
    for (unsigned seed = 0; seed < 1000; ++seed) {
      std::mt19937 random(seed);
      const auto pieces = split_at_random(row.stream, random);
      ASSERT_EQ(row.decode(pieces, seed % 4), whole) << row.name << ", seed " << seed;
    }
  }
}

TEST(CodecContract, AStopHandsOutNoMoreUntilItIsGoneOnWith) {
  BufferPool pool;
  Len32Codec codec(pool, kMessageMax);
  Recorder recorder(2);
  const std::string stream = len32_stream();
  EXPECT_EQ(codec.feed(stream, recorder).status, DecodeResult::Status::stopped);
  EXPECT_THAT(recorder.heard, SizeIs(2));
  EXPECT_EQ(codec.kept_bytes(), stream.size() - 9 - 4);
  EXPECT_EQ(codec.feed({}, recorder).status, DecodeResult::Status::stopped);
  EXPECT_THAT(recorder.heard, SizeIs(4));
  EXPECT_EQ(codec.feed({}, recorder).status, DecodeResult::Status::ok);
  EXPECT_THAT(recorder.heard, SizeIs(5));
  EXPECT_EQ(codec.kept_bytes(), 0U);
}

TEST(CodecContract, WhatIsKeptWaitsForTheNextFeed) {
  BufferPool pool;
  Len32Codec codec(pool, kMessageMax);
  Recorder recorder;
  const std::string stream = len32_stream();
  codec.keep(Bytes(stream).substr(0, 11));
  codec.keep(Bytes(stream).substr(11));
  EXPECT_THAT(recorder.heard, IsEmpty());
  EXPECT_EQ(codec.kept_bytes(), stream.size());
  codec.feed({}, recorder);
  Recorder whole;
  Len32Codec other(pool, kMessageMax);
  other.feed(stream, whole);
  EXPECT_EQ(recorder.heard, whole.heard);
}

// A session that has failed may linger for long: what came behind the error is of no use to it.
TEST(CodecContract, AFailureKeepsNothing) {
  const std::string junk(60'000, 'j');
  BufferPool pool;
  Recorder recorder;
  FramedCodec framed(pool, kMessageMax);
  EXPECT_EQ(framed.feed(junk, recorder).status, DecodeResult::Status::failed);
  EXPECT_EQ(framed.kept_bytes(), 0U);
  Len32Codec len32(pool, kMessageMax);
  len32.feed("j", recorder);
  EXPECT_EQ(len32.feed(junk, recorder).status, DecodeResult::Status::failed);
  EXPECT_EQ(len32.kept_bytes(), 0U);
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

}  // namespace
}  // namespace fairlead
