// Holds docs/protocol.md against the code: what a client is written from must be true.
#include "tests/unit/protocol/document.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>

#include "common/protocol/detect.hpp"
#include "common/protocol/framed_codec.hpp"
#include "common/protocol/len32_codec.hpp"
#include "common/protocol/limits.hpp"
#include "tests/unit/protocol/text_client.hpp"

namespace fairlead {
namespace {

using document::Row;
using document::Vector;
using Kind = document::Step::Kind;

constexpr std::uint32_t kMessageMax = 1024 * 1024;

TEST(ProtocolDocument, ListsEveryCloseReasonWithItsSentence) {
  const auto rows = document::close_reasons();
  ASSERT_EQ(rows.size(), kCloseReasonCount);
  for (std::size_t number = 0; number < rows.size(); ++number) {
    const auto reason = static_cast<CloseReason>(number);
    ASSERT_EQ(rows[number].size(), 5U);
    EXPECT_EQ(rows[number][0], std::to_string(number));
    EXPECT_EQ(rows[number][1], name_of(reason));
    EXPECT_EQ(rows[number][2], explanation_of(reason));
    EXPECT_EQ(rows[number][3] == "refused", is_refusal(reason)) << rows[number][1];
    EXPECT_EQ(rows[number][4] == "words", is_written_to_plain_clients(reason)) << rows[number][1];
  }
}

TEST(ProtocolDocument, ListsEveryFrameTypeWithItsSender) {
  const std::map<Sender, std::string> senders = {
      {Sender::client, "client"}, {Sender::server, "server"}, {Sender::both, "both"}};
  const auto rows = document::table("| type | name | sent by | payload | request id |");
  ASSERT_EQ(rows.size(), std::size(kFrameKinds));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(std::stoi(rows[i][0], nullptr, 16), static_cast<int>(kFrameKinds[i].type));
    EXPECT_EQ(rows[i][1], kFrameKinds[i].name);
    EXPECT_EQ(rows[i][2], senders.at(kFrameKinds[i].sender));
  }
}

TEST(ProtocolDocument, HasTheHeaderOfTheCode) {
  const auto header = frame_header(
      {.type = FrameType::message, .channel = 0x0607, .request_id = 0x08090a0b, .payload = {}});
  const auto rows = document::table("| offset | size | field | |");
  std::size_t at = 0;
  for (const Row& row : rows) {
    EXPECT_EQ(std::stoul(row[0]), at) << row[2];
    if (row[2] == "type") {
      EXPECT_EQ(header.at(at), 0x05);
    }
    if (row[2] == "channel") {
      EXPECT_EQ(read_big_endian_16(&header.at(at)), 0x0607);
    }
    if (row[2] == "request id") {
      EXPECT_EQ(read_big_endian_32(&header.at(at)), 0x08090a0bU);
    }
    if (row[2] != "payload") at += std::stoul(row[1]);
  }
  EXPECT_EQ(at, kFrameHeaderBytes);
}

TEST(ProtocolDocument, HasTheDetectionOfTheCode) {
  const auto rows = document::table("| first bytes (hex) | the client speaks |");
  const std::map<std::string, Detected> kAnswers = {{"len32", Detected::len32},
                                                    {"TLS", Detected::tls},
                                                    {"framed", Detected::framed},
                                                    {"undecided", Detected::undecided},
                                                    {"text", Detected::text}};
  std::size_t seen = 0;
  for (const Row& row : rows) {
    const std::string answer = row[1].substr(0, row[1].find_first_of(":, ("));
    ASSERT_TRUE(kAnswers.contains(answer)) << answer;
    std::istringstream beginnings(row[0]);
    for (std::string hex; std::getline(beginnings, hex, ',');) {
      if (hex == "anything else") continue;
      EXPECT_EQ(detect(document::from_hex(document::trimmed(hex))), kAnswers.at(answer)) << hex;
      ++seen;
    }
  }
  EXPECT_EQ(seen, 7U);
}

TEST(ProtocolDocument, HasTheLimitsOfTheCode) {
  std::map<std::string, std::string> limits;
  for (const Row& row : document::table("| what | how much |")) limits[row[0]] = row[1];
  EXPECT_EQ(limits["channels open at a time, channel 0 not counted"], std::to_string(kChannelsMax));
  EXPECT_EQ(limits["payload of PING"], std::to_string(kPingBytesMax) + " bytes");
  EXPECT_EQ(limits["name of a file"], std::to_string(kFileNameBytesMax) + " bytes");
  EXPECT_EQ(limits["requests for files unanswered, of one connection"],
            std::to_string(kUnansweredMax));
  EXPECT_EQ(limits["payload of a server's frame, len32 message of a server"], "16,777,215 bytes");
  EXPECT_EQ(limits["payload of DATA"], "262,144 bytes");
  EXPECT_EQ(kFileDataBytesMax, 262'144U);
  EXPECT_EQ(limits["bytes of a chunk in HASHES"], "1,048,576");
  EXPECT_EQ(kFileChunkBytes, 1'048'576U);
  EXPECT_EQ(limits["name of a service"], std::to_string(kServiceNameBytesMax) + " bytes");
  EXPECT_EQ(kMessageBytesCeiling, 16'777'215U);
}

// ---- The vectors

std::unique_ptr<Codec> codec_of(const Vector& vector, BufferPool& pool) {
  if (vector.attribute("protocol") == "framed")
    return std::make_unique<FramedCodec>(pool, kMessageMax);
  return std::make_unique<Len32Codec>(pool, kMessageMax);
}

TEST(ProtocolDocument, ItsBinaryStreamsDecodeAndEncodeToThemselves) {
  std::size_t seen = 0;
  for (const Vector& vector : document::vectors()) {
    const std::string protocol = vector.attribute("protocol");
    if (protocol != "framed" && protocol != "len32") continue;
    ++seen;
    const std::string start(protocol == "framed" ? kPreface : Bytes());
    for (const Kind side : {Kind::client, Kind::server}) {
      const std::string stream = vector.stream(side);
      BufferPool pool;
      const auto codec = codec_of(vector, pool);
      const Decoded decoded = decode_pieces(*codec, byte_by_byte(stream));
      const std::string fails = side == Kind::client ? vector.attribute("fails") : "";
      EXPECT_EQ(name_of(decoded.reason), fails.empty() ? "none" : fails) << vector.name();
      std::string again = start;
      for (const Heard& frame : decoded.heard) again += encoded(*codec, frame);
      if (fails.empty() && vector.attribute("skips").empty()) {
        EXPECT_EQ(again, stream) << vector.name();
      } else if (!fails.empty() && stream.starts_with(start)) {
        EXPECT_TRUE(stream.starts_with(again)) << vector.name();
        EXPECT_LT(again.size(), stream.size()) << vector.name();
      }
    }
  }
  EXPECT_GE(seen, 14U);
}

// How long the preface, frame or message is that begins so; 0 where that cannot be told.
std::size_t unit_bytes(const std::string& protocol, std::string_view bytes, bool is_first) {
  if (protocol == "framed" && is_first) return kPreface.size();
  if (bytes.size() < 4) return 0;
  const std::size_t payload = read_big_endian_32(bytes.data());
  return payload + (protocol == "framed" ? kFrameHeaderBytes : 4);
}

// A reader need not compute where a frame ends.
TEST(ProtocolDocument, ItsVectorsMarkEveryBorder) {
  std::size_t borders = 0;
  for (const Vector& vector : document::vectors()) {
    const std::string protocol = vector.attribute("protocol");
    for (const Kind side : {Kind::client, Kind::server}) {
      bool is_first = true;
      std::size_t missing = 0;  // of a unit that an earlier delivery has begun
      for (const document::Step& step : vector.steps) {
        if (step.kind != side) continue;
        if (protocol != "framed" && protocol != "len32") {
          EXPECT_EQ(step.pieces.size(), 1U) << vector.name();
          continue;
        }
        for (const std::string& piece : step.pieces) {
          const std::size_t unit = missing > 0 ? missing : unit_bytes(protocol, piece, is_first);
          EXPECT_LE(piece.size(), unit) << vector.name() << ": two units without a border";
          missing = unit - std::min(unit, piece.size());
          is_first = false;
          if (&piece == &step.pieces.back()) break;
          EXPECT_EQ(missing, 0U) << vector.name() << ": a border within a unit";
          ++borders;
        }
      }
    }
  }
  EXPECT_GE(borders, 4U);
}

TEST(ProtocolDocument, HasTheFieldsOfTheServersHello) {
  const auto rows = document::table("| offset | size | field of the server's HELLO | |");
  ASSERT_EQ(rows.size(), 7U);
  const auto vectors = document::vectors();
  const auto shown = std::find_if(vectors.begin(), vectors.end(), [](const Vector& vector) {
    return vector.name() == "framed-echo";
  });
  ASSERT_NE(shown, vectors.end());
  const std::string stream = shown->stream(Kind::server);
  const std::string hello = stream.substr(kPreface.size() + kFrameHeaderBytes,
                                          read_big_endian_32(&stream[kPreface.size()]));
  EXPECT_EQ(rows[0], (Row{"0", "2", "version", "u16`; 1"}));
  EXPECT_EQ(read_big_endian_16(&hello[0]), 1);
  EXPECT_EQ(rows[1][0], "2");
  EXPECT_EQ(read_big_endian_16(&hello[2]), kChannelsMax);
  EXPECT_EQ(rows[2][0], "4");
  EXPECT_EQ(read_big_endian_32(&hello[4]), kMessageMax);
  std::size_t at = 8;
  const auto string_here = [&hello, &at] {
    const std::string text = hello.substr(at + 1, octet(hello[at]));
    at += 1 + text.size();
    return text;
  };
  EXPECT_EQ(rows[3][0], std::to_string(at));
  EXPECT_EQ(string_here(), "fairlead");
  EXPECT_EQ(string_here(), "echo");
  EXPECT_EQ(rows[5][2], "count");
  EXPECT_EQ(octet(hello[at++]), 2);
  EXPECT_EQ(string_here(), "echo");
  EXPECT_EQ(string_here(), "reply");
  EXPECT_EQ(at, hello.size());
}

// What the listeners of the vectors answer is the core's business; here it is only where the
// messages end.
TEST(ProtocolDocument, ItsTextStreamsDecodeToOneMessagePerReply) {
  std::size_t seen = 0;
  for (const Vector& vector : document::vectors()) {
    if (vector.attribute("protocol") != "text") continue;
    ++seen;
    const std::string boundary = vector.attribute("boundary");
    TextClient client({.boundary = boundary == "line"    ? Boundary::line
                                   : boundary == "chunk" ? Boundary::chunk
                                                         : Boundary::automatic});
    std::vector<Heard> heard;
    const auto add = [&heard](const std::vector<Heard>& more) {
      heard.insert(heard.end(), more.begin(), more.end());
    };
    for (const document::Step& step : vector.steps) {
      if (step.kind == Kind::client) add(client.feed(step.bytes));
      if (step.kind == Kind::wait) add(client.pause());
      if (step.kind == Kind::client_end) add(client.end());
    }
    EXPECT_FALSE(heard.empty()) << vector.name();
    if (boundary == "auto") continue;  // its service does not echo
    std::string replies;
    for (const Heard& message : heard) replies += encoded(client.codec(), message);
    EXPECT_EQ(replies, vector.stream(Kind::server)) << vector.name();
  }
  EXPECT_GE(seen, 4U);
}

TEST(ProtocolDocument, ItsVectorsBeginAsTheDetectionTableSays) {
  const std::map<std::string, Detected> kProtocols = {
      {"framed", Detected::framed}, {"len32", Detected::len32}, {"none", Detected::tls}};
  for (const Vector& vector : document::vectors()) {
    const auto expected = kProtocols.find(vector.attribute("protocol"));
    if (expected == kProtocols.end()) continue;
    EXPECT_EQ(detect(vector.stream(Kind::client)), expected->second) << vector.name();
  }
}

}  // namespace
}  // namespace fairlead
