#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using client::frame;
using client::request;
using Frames = std::vector<client::Received>;

std::string code(CloseReason reason) {
  return client::number(static_cast<std::uint64_t>(reason), 4);
}

std::string told(CloseReason reason) { return code(reason) + std::string(explanation_of(reason)); }

ServerSettings framed_settings() {
  ServerSettings settings = settings_for("echo", ListenerProtocol::framed);
  ServiceSettings& log = add_service(settings, "notes", "log");
  ServiceSettings& once = add_service(settings, "once", "echo");
  once.close_after = 1;
  settings.listeners.front()->offered_services.push_back(log.name);
  settings.listeners.front()->offered_services.push_back(once.name);
  return settings;
}

// A framed client that has said its preface and heard the server's.
class FramedSession : public ::testing::Test {
 protected:
  FramedSession() { client.sends(client::kPreface), frames_seen_ = 1; }

  // What the server has said to `bytes`.
  Frames asks(const std::string& bytes) {
    client.sends(bytes);
    return heard();
  }
  Frames heard() {
    const auto all = client::parse(client.received()).frames;
    Frames fresh(all.begin() + static_cast<std::ptrdiff_t>(frames_seen_), all.end());
    frames_seen_ = all.size();
    return fresh;
  }
  // The session has ended with an ERROR about the whole connection.
  void expect_protocol_error(const std::string& bytes, const std::string& why) {
    const Frames said = asks(bytes);
    ASSERT_FALSE(said.empty());
    EXPECT_EQ(said.back(),
              (client::Received{client::error, 0, 0, code(CloseReason::protocol_error) + why}));
    EXPECT_TRUE(client.wire.saw_end());
    client.ends();
    EXPECT_EQ(client.reason(), "protocol_error");
  }

  TestShard shard{framed_settings()};
  TestClient& client{shard.connect()};
  std::size_t frames_seen_ = 0;
};

TEST_F(FramedSession, SaysHelloBehindItsPreface) {
  const std::string payload = client::number(1, 2) + client::number(64, 2) +
                              client::number(1024 * 1024, 4) +
                              "\x08"
                              "fairlead"
                              "\x04"
                              "echo"
                              "\x03"
                              "\x04"
                              "echo"
                              "\x05"
                              "notes"
                              "\x04"
                              "once";
  EXPECT_EQ(client.received(), client::kPreface + frame(client::hello, 0, 0, payload));
}

TEST(FramedLimit, HelloTellsTheListenersOwnLimitAndItHolds) {
  ServerSettings settings = framed_settings();
  settings.listeners.front()->max_message = 10;
  TestShard shard(std::move(settings));
  TestClient& client = shard.connect();
  client.sends(client::kPreface);
  const Frames said = client::parse(client.received()).frames;
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].payload.substr(4, 4), client::number(10, 4));
  client.sends(request(1, std::string(10, 'x')) + request(2, std::string(11, 'x')));
  const auto last = client::parse(client.received()).frames.back();
  EXPECT_EQ(last.payload, code(CloseReason::protocol_error) + "frame above the size limit");
}

TEST_F(FramedSession, TakesAHelloBeforeAnythingElse) {
  EXPECT_TRUE(asks(frame(client::hello, 0, 0, std::string("\0\1\3abc", 6))).empty());
  EXPECT_EQ(asks(request(1, "x")).size(), 1U);
}

TEST_F(FramedSession, RefusesAHelloThatComesLater) {
  asks(request(1, "x"));
  expect_protocol_error(frame(client::hello, 0, 0, std::string("\0\1\0", 3)), "bad hello");
}

TEST_F(FramedSession, RefusesAHelloWhoseNameIsNotWhole) {
  expect_protocol_error(frame(client::hello, 0, 0, std::string("\0\1\5abc", 6)), "bad hello");
}

TEST_F(FramedSession, AnswersEachRequestWithItsId) {
  EXPECT_EQ(asks(request(7, "seven") + request(9, "nine")),
            (Frames{{client::reply, 0, 7, "seven"}, {client::reply, 0, 9, "nine"}}));
}

TEST_F(FramedSession, AnswersEmptyWhereTheServiceSaysNothing) {
  EXPECT_EQ(
      asks(frame(client::open, 5, 1, "notes") + request(2, "a", 5) + request(3, "b", 5)),
      (Frames{{client::opened, 5, 1, ""}, {client::reply, 5, 2, ""}, {client::reply, 5, 3, ""}}));
  EXPECT_EQ(shard.transcript.lines, (std::vector<std::string>{"a", "b"}));
}

TEST_F(FramedSession, RefusesAServiceThatIsNotOfferedAndGoesOn) {
  EXPECT_EQ(asks(frame(client::open, 5, 1, "secret") + request(2, "x")),
            (Frames{{client::error, 5, 1, told(CloseReason::unknown_service)},
                    {client::reply, 0, 2, "x"}}));
}

TEST_F(FramedSession, RefusesOneChannelTooManyAndGoesOn) {
  std::string opens;
  for (unsigned channel = 1; channel <= 65; ++channel)
    opens += frame(client::open, channel, channel, "echo");
  const Frames said = asks(opens);
  ASSERT_EQ(said.size(), 65U);
  EXPECT_EQ(said[63], (client::Received{client::opened, 64, 64, ""}));
  EXPECT_EQ(said[64],
            (client::Received{client::error, 65, 65, told(CloseReason::too_many_channels)}));
  EXPECT_EQ(asks(request(66, "x", 64)), (Frames{{client::reply, 64, 66, "x"}}));
}

TEST_F(FramedSession, AClosedChannelMakesRoomAlsoWithinOneDelivery) {
  std::string opens;
  for (unsigned channel = 1; channel <= 64; ++channel)
    opens += frame(client::open, channel, channel, "echo");
  asks(opens);
  EXPECT_EQ(asks(frame(client::close, 3, 0) + frame(client::open, 99, 65, "echo")),
            (Frames{{client::close, 3, 0, told(CloseReason::peer_closed)},
                    {client::opened, 99, 65, ""}}));
}

TEST_F(FramedSession, RefusesAChannelThatIsOpen) {
  asks(frame(client::open, 5, 1, "echo"));
  expect_protocol_error(frame(client::open, 5, 2, "echo"), "open of a channel that is open");
}

TEST_F(FramedSession, RefusesToOpenTheConnectionItself) {
  expect_protocol_error(frame(client::open, 0, 1, "echo"), "open of a channel that is open");
}

TEST_F(FramedSession, RefusesRequestIdsThatDoNotIncrease) {
  asks(request(7, "x"));
  expect_protocol_error(request(7, "x"), "request ids must increase");
}

TEST_F(FramedSession, RefusesRequestIdZero) {
  expect_protocol_error(request(0, "x"), "request ids must increase");
}

TEST_F(FramedSession, OpensCountAsRequests) {
  asks(frame(client::open, 5, 4, "echo"));
  expect_protocol_error(request(4, "x", 5), "request ids must increase");
}

TEST_F(FramedSession, AMessageOnAChannelThatIsNotOpenIsRefusedAlone) {
  asks(frame(client::open, 5, 1, "echo"));
  EXPECT_EQ(asks(frame(client::close, 5, 0) + request(2, "x", 5) + request(3, "y")),
            (Frames{{client::close, 5, 0, told(CloseReason::peer_closed)},
                    {client::error, 5, 2, told(CloseReason::no_such_channel)},
                    {client::reply, 0, 3, "y"}}));
}

TEST_F(FramedSession, AChannelsCloseAfterEndsThatChannelAlone) {
  EXPECT_EQ(asks(frame(client::open, 5, 1, "once") + request(2, "x", 5) + request(3, "late", 5) +
                 request(4, "y")),
            (Frames{{client::opened, 5, 1, ""},
                    {client::reply, 5, 2, "x"},
                    {client::close, 5, 0, told(CloseReason::close_after)},
                    {client::error, 5, 3, told(CloseReason::no_such_channel)},
                    {client::reply, 0, 4, "y"}}));
}

TEST_F(FramedSession, AnswersNothingToACloseThatHasCrossedItsOwn) {
  asks(frame(client::open, 5, 1, "once") + request(2, "x", 5));
  EXPECT_EQ(asks(frame(client::close, 5, 0) + frame(client::open, 5, 3, "echo")),
            (Frames{{client::opened, 5, 3, ""}}));
}

TEST_F(FramedSession, CloseOfTheConnectionEndsItInOrder) {
  EXPECT_EQ(asks(request(1, "x") + frame(client::close, 0, 0) + request(2, "late")),
            (Frames{{client::reply, 0, 1, "x"}}));
  EXPECT_TRUE(client.wire.saw_end());
  client.ends();
  EXPECT_EQ(client.reason(), "peer_closed");
}

TEST_F(FramedSession, AnswersAPingWithItsPayload) {
  EXPECT_EQ(asks(frame(client::ping, 3, 77, std::string(32, 'p'))),
            (Frames{{client::pong, 3, 77, std::string(32, 'p')}}));
  EXPECT_TRUE(asks(frame(client::pong, 0, 0, "whatever")).empty());
}

TEST_F(FramedSession, RefusesAPingAbove32Bytes) {
  expect_protocol_error(frame(client::ping, 0, 0, std::string(33, 'p')), "ping above 32 bytes");
}

TEST_F(FramedSession, RefusesWhatOnlyAServerSays) {
  expect_protocol_error(frame(client::goaway, 0, 0), "a frame that only the server sends");
  for (const int type : {client::opened, client::reply, client::error}) {
    auto& other = shard.connect();
    other.sends(client::kPreface + frame(type, 0, 1) + request(2, "late")).ends();
    EXPECT_EQ(other.reason(), "protocol_error") << type;
    EXPECT_EQ(client::parse(other.received()).frames.size(), 2U) << type;
  }
}

TEST_F(FramedSession, SkipsAnUnknownTypeFrom0x80On) {
  EXPECT_EQ(asks(frame(0x80, 1, 2, "skip me") + request(1, "x")),
            (Frames{{client::reply, 0, 1, "x"}}));
}

TEST_F(FramedSession, RefusesAnUnknownTypeBelow0x80) {
  expect_protocol_error(frame(0x40, 1, 2), "unknown frame type");
}

TEST_F(FramedSession, RefusesAReservedFlag) {
  std::string flagged = request(1, "x");
  flagged[5] = 1;
  expect_protocol_error(flagged, "reserved frame flag");
}

TEST_F(FramedSession, RefusesAFrameAboveTheLimitByItsHeaderAlone) {
  expect_protocol_error(
      client::number(1024 * 1024 + 1, 4) + client::number(0x05000000, 4) + client::number(1, 4),
      "frame above the size limit");
}

TEST_F(FramedSession, AFrameThatLiesAboutItsLengthCostsNoMemory) {
  asks(client::number(1024 * 1024, 4) + client::number(0x05000000, 4) + client::number(1, 4) + "x");
  EXPECT_LE(shard.shard().pool().bytes_in_use(), 256U);
  client.ends();
  EXPECT_EQ(client.reason(), "peer_closed");
  EXPECT_EQ(shard.shard().pool().bytes_in_use(), 0U);
}

TEST_F(FramedSession, ABadPrefaceAfterItsMarkIsAProtocolError) {
  auto& other = shard.connect();
  other
      .sends(
          "\xff"
          "FLD\x02")
      .ends();
  EXPECT_EQ(other.reason(), "protocol_error");
}

TEST_F(FramedSession, AHalfClosedClientIsToldWhatWasWrongWheneverItIsFound) {
  // Above its share of the turn, the last frame is looked at after the end of the stream was.
  shard.settings().limits.requests_per_turn = 1;
  client.wire.send(request(1, "x") + request(1, "again"));
  client.wire.end();
  shard.settle();
  EXPECT_EQ(heard(), (Frames{{client::reply, 0, 1, "x"},
                             {client::error, 0, 0,
                              code(CloseReason::protocol_error) + "request ids must increase"}}));
}

}  // namespace
}  // namespace fairlead
