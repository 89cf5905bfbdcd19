#include "client/api/connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/protocol/framed_codec.hpp"
#include "tests/unit/client/fake_network.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

std::string framed(const Frame& frame) {
  const auto header = frame_header(frame);
  return std::string(header.data(), header.size()) + std::string(frame.payload);
}

std::string reason_payload(CloseReason reason, std::string_view sentence) {
  const auto number = big_endian_32(static_cast<std::uint32_t>(reason));
  return std::string(number.data(), number.size()) + std::string(sentence);
}

const std::string kHelloPayload{
    "\x00\x01\x00\x40\x00\x00\x01\x00\x04name\x04"
    "echo\x02\x01"
    "a\x02"
    "bc",
    24};
const std::string kServerBegins =
    std::string(kPreface) + framed({.type = FrameType::hello, .payload = kHelloPayload});

class ConnectionTest : public testing::Test, public ConnectionObserver {
 protected:
  void begin(ConnectionSettings with) {
    settings = std::move(with);
    server = &loop.make();
    ConnectionObserver& self = *this;
    connection =
        std::make_unique<ServerConnection>(loop.shard, settings, server->make_stream(), self);
    loop.turn([this] { connection->start(); });
  }
  void begin_framed() {
    begin({.protocol = Protocol::framed});
    loop.deliver(*server, kServerBegins);
    sent();
  }

  // What the server has received since the last time.
  std::string sent() {
    const std::size_t from = std::exchange(seen, server->received().size());
    return server->received().substr(from);
  }

  void on_ready() override { ++ready; }
  void on_frame(const Frame& frame) override {
    frames.push_back(std::to_string(static_cast<int>(frame.type)) + ":" +
                     std::to_string(frame.channel) + ":" + std::to_string(frame.request_id) + ":" +
                     std::string(frame.payload));
    if (close_at_first_frame) connection->close();
  }
  void on_drained() override { ++drained; }
  void on_ended(const Failure& failure) override {
    ++ended;
    end = failure;
    fragment = connection->take_fragment();
    connection.reset();
  }

  FakeLoop loop;
  ConnectionSettings settings;
  FakeConnection* server = nullptr;
  std::unique_ptr<ServerConnection> connection;
  std::vector<std::string> frames;
  Failure end;
  std::string fragment;
  std::size_t seen = 0;  // bytes, by sent()
  int ready = 0, drained = 0, ended = 0;
  bool close_at_first_frame = false;
};

TEST_F(ConnectionTest, TextIsReadyAtOnceAndSendsBytesAsTheyAre) {
  begin({});
  EXPECT_EQ(ready, 1);
  loop.turn([this] {
    EXPECT_EQ(connection->send("one"), 0u);
    connection->send("two");
  });
  EXPECT_EQ(sent(), "onetwo");
  EXPECT_EQ(server->writes(), 1U) << "one write for a turn";
}

TEST_F(ConnectionTest, TextMayEndEachMessageWithALine) {
  begin({.line_end = LineEnd::crlf});
  loop.turn([this] { connection->send("one"); });
  EXPECT_EQ(sent(), "one\r\n");
}

TEST_F(ConnectionTest, ATextReplyIsCompleteAfterAQuietThatIsMeasuredFromTheLastByte) {
  begin({.reply = {.quiet = Duration(200)}});
  int silences = 0;
  server->on_event = [&](FakeEvent event, Bytes) { silences += event == FakeEvent::silence; };
  loop.deliver(*server, "ab");
  loop.pass(Duration(150));
  loop.deliver(*server, "cd");
  loop.pass(Duration(190));
  EXPECT_THAT(frames, IsEmpty());
  loop.pass(Duration(20));
  EXPECT_THAT(frames, ElementsAre("5:0:0:abcd"));
  EXPECT_EQ(silences, 1) << "a late byte would have been seen";
  loop.pass(Duration(1000));
  EXPECT_EQ(silences, 1);
}

TEST_F(ConnectionTest, ATextReplyIsCompleteAtTheEndOfTheStream) {
  begin({});
  loop.deliver(*server, "a\nrest");
  loop.end(*server);
  EXPECT_THAT(frames, ElementsAre("5:0:0:a", "5:0:0:rest"));
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(end.kind, FailureKind::none);
  EXPECT_TRUE(server->is_destroyed()) << "the stream is freed";
}

TEST_F(ConnectionTest, BytesBeforeAResetAreAFragmentAndNoReply) {
  begin({});
  loop.deliver(*server, "a\nhal");
  loop.fail(*server, StreamError::reset);
  EXPECT_THAT(frames, ElementsAre("5:0:0:a"));
  EXPECT_EQ(end.kind, FailureKind::reset);
  EXPECT_FALSE(end.unsent);
  EXPECT_EQ(fragment, "hal");
}

// A write fails at a reset whose reason has come already, and has not been read.
TEST_F(ConnectionTest, AnAnswerBeforeAResetIsRead) {
  begin({});
  server->conditions.kernel_bytes_max = 0;
  loop.turn([this] { connection->send("too much"); });
  server->send("too big\nrest");
  loop.fail_write(*server, StreamError::reset);
  loop.pass(Duration(10));
  EXPECT_THAT(frames, ElementsAre("5:0:0:too big"));
  EXPECT_EQ(fragment, "rest");
  EXPECT_EQ(end.kind, FailureKind::reset);
  EXPECT_TRUE(end.unsent);
}

TEST_F(ConnectionTest, WhoeverClosesAtTheAnswerIsToldWhatHasNotLeft) {
  close_at_first_frame = true;
  begin({});
  server->conditions.kernel_bytes_max = 0;
  loop.turn([this] { connection->send("too much"); });
  server->send("too big\n");
  loop.fail_write(*server, StreamError::reset);
  EXPECT_THAT(frames, ElementsAre("5:0:0:too big"));
  EXPECT_EQ(end.kind, FailureKind::reset);
  EXPECT_TRUE(end.unsent);
}

TEST_F(ConnectionTest, AResetWithUnsentBytesSaysSo) {
  begin({});
  server->conditions.kernel_bytes_max = 0;
  loop.turn([this] { connection->send("never"); });
  EXPECT_EQ(connection->queued_bytes(), 5u);
  loop.fail(*server, StreamError::vanished);
  EXPECT_EQ(end.kind, FailureKind::vanished);
  EXPECT_TRUE(end.unsent);
}

TEST_F(ConnectionTest, ReportsThatTheKernelHasTakenEverything) {
  begin({});
  server->conditions = {.kernel_bytes_max = 2, .client_reads = false};
  loop.turn([this] { connection->send("much"); });
  loop.take(*server, 1);
  EXPECT_EQ(drained, 0);
  loop.take(*server, 1);
  EXPECT_EQ(drained, 1);
  loop.take(*server, 2);
  EXPECT_EQ(sent(), "much");
}

TEST_F(ConnectionTest, FinishSendingGoesBehindWhatIsQueued) {
  begin({});
  loop.turn([this] {
    connection->send("last");
    connection->finish_sending();
  });
  EXPECT_EQ(sent(), "last");
  EXPECT_TRUE(server->saw_end());
}

TEST_F(ConnectionTest, CloseEndsItOnceAndNotWithinTheCall) {
  begin({});
  loop.turn([this] {
    connection->close();
    connection->close();
    EXPECT_EQ(ended, 0);
  });
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(end.kind, FailureKind::none);
}

TEST_F(ConnectionTest, NothingReachesTheObserverAfterAClose) {
  for (const bool is_reset : {false, true}) {
    begin({});
    loop.turn([this, is_reset] {
      server->send("late\n");
      is_reset ? server->fail(StreamError::reset) : server->end();
      connection->close();
    });
    EXPECT_THAT(frames, IsEmpty());
    EXPECT_EQ(end.kind, FailureKind::none);
  }
}

TEST_F(ConnectionTest, Len32IsAskedAndAnsweredWithALength) {
  begin({.protocol = Protocol::len32});
  EXPECT_EQ(ready, 1);
  loop.turn([this] { connection->send("hi"); });
  EXPECT_EQ(sent(), std::string("\0\0\0\2hi", 6));
  loop.deliver(*server, Bytes("\0\0\0\3yes\0", 8));
  EXPECT_THAT(frames, ElementsAre("5:0:0:yes"));
  loop.end(*server);
  EXPECT_EQ(end.kind, FailureKind::cut_short);
}

TEST_F(ConnectionTest, ALengthAboveTheLimitIsTooBig) {
  begin({.protocol = Protocol::len32, .message_bytes_max = 100});
  loop.deliver(*server, Bytes("\0\0\0\x65", 4));
  EXPECT_EQ(end.kind, FailureKind::too_big);
}

TEST_F(ConnectionTest, FramedSaysPrefaceAndHelloAndIsReadyAfterTheServers) {
  begin({.protocol = Protocol::framed, .name = "me"});
  EXPECT_EQ(sent(), std::string(kPreface) +
                        framed({.type = FrameType::hello, .payload = Bytes("\0\1\2me", 5)}));
  EXPECT_EQ(ready, 0);
  for (const char c : kServerBegins) {
    EXPECT_EQ(ready, 0);
    loop.deliver(*server, Bytes(&c, 1));
  }
  ASSERT_EQ(ready, 1);
  const ServerHello& hello = *connection->hello();
  EXPECT_EQ(hello.version, 1);
  EXPECT_EQ(hello.channels_max, 64);
  EXPECT_EQ(hello.message_bytes_max, 256u);
  EXPECT_EQ(hello.name, "name");
  EXPECT_EQ(hello.default_service, "echo");
  EXPECT_THAT(hello.services, ElementsAre("a", "bc"));
}

TEST_F(ConnectionTest, FramedRequestsAreNumberedAndRepliesNameThem) {
  begin_framed();
  loop.turn([this] {
    EXPECT_EQ(connection->open("files", 3), 1u);
    EXPECT_EQ(connection->send("x", 3), 2u);
    EXPECT_EQ(connection->send("y"), 3u);
  });
  EXPECT_EQ(sent(),
            framed({.type = FrameType::open, .channel = 3, .request_id = 1, .payload = "files"}) +
                framed({.channel = 3, .request_id = 2, .payload = "x"}) +
                framed({.request_id = 3, .payload = "y"}));
  loop.deliver(
      *server,
      framed({.type = FrameType::opened, .channel = 3, .request_id = 1, .payload = {}}) +
          framed({.type = FrameType::reply, .channel = 3, .request_id = 2, .payload = "X"}));
  EXPECT_THAT(frames, ElementsAre("3:3:1:", "6:3:2:X"));
}

TEST_F(ConnectionTest, IsReadyOnceItsServiceIsOpen) {
  begin({.protocol = Protocol::framed, .service = "files"});
  EXPECT_THAT(sent(), EndsWith(framed({.type = FrameType::open,
                                       .channel = kServiceChannel,
                                       .request_id = 1,
                                       .payload = "files"})));
  loop.deliver(*server, kServerBegins);
  loop.deliver(*server, framed({.payload = "a greeting of the default service"}));
  EXPECT_EQ(ready, 0);
  loop.deliver(
      *server,
      framed(
          {.type = FrameType::opened, .channel = kServiceChannel, .request_id = 1, .payload = {}}));
  EXPECT_EQ(ready, 1);
  EXPECT_THAT(frames, IsEmpty());
}

TEST_F(ConnectionTest, AServiceThatIsRefusedEndsItWithTheNamesOfTheOthers) {
  begin({.protocol = Protocol::framed, .service = "files"});
  loop.deliver(*server,
               kServerBegins + framed({.type = FrameType::error,
                                       .channel = kServiceChannel,
                                       .request_id = 1,
                                       .payload = reason_payload(CloseReason::unknown_service,
                                                                 "no such service")}));
  EXPECT_EQ(end.kind, FailureKind::request_refused);
  EXPECT_EQ(end.told, CloseReason::unknown_service);
  EXPECT_EQ(end.what, "no such service; --service takes one of a, bc");
  EXPECT_EQ(ready, 0);
}

TEST_F(ConnectionTest, FramedPingsAreAnsweredWithTheirOwnPayloadAndNumber) {
  begin_framed();
  loop.deliver(*server, framed({.type = FrameType::ping, .request_id = 9, .payload = "t"}));
  EXPECT_EQ(sent(), framed({.type = FrameType::pong, .request_id = 9, .payload = "t"}));
  EXPECT_THAT(frames, IsEmpty());
}

// The kernel would answer such a write with an error, and the reply be lost.
TEST_F(ConnectionTest, APingBehindOurEndHasNoAnswer) {
  begin_framed();
  loop.turn([this] {
    connection->send("last");
    connection->finish_sending();
  });
  const std::string all = server->received();
  loop.deliver(*server, framed({.type = FrameType::ping, .request_id = 9, .payload = "t"}));
  loop.deliver(*server, framed({.type = FrameType::reply, .request_id = 1, .payload = "X"}));
  EXPECT_THAT(frames, ElementsAre("6:0:1:X"));
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(server->received(), all);
}

TEST_F(ConnectionTest, APingAboveItsLimitIsBadProtocol) {
  begin_framed();
  loop.deliver(*server, framed({.type = FrameType::ping, .payload = std::string(32, 'p')}));
  EXPECT_EQ(ended, 0);
  loop.deliver(*server, framed({.type = FrameType::ping, .payload = std::string(33, 'p')}));
  EXPECT_EQ(end.kind, FailureKind::bad_protocol);
}

TEST_F(ConnectionTest, StopsAnsweringPingsWhenTheServerDoesNotRead) {
  begin_framed();
  const std::string ping = framed({.type = FrameType::ping, .payload = std::string(32, 'p')});
  for (int i = 0; i < 20'000; ++i) loop.deliver(*server, ping);
  EXPECT_EQ(ended, 0) << "those that are taken may be as many as the server likes";
  server->conditions.kernel_bytes_max = 0;
  std::size_t queued_bytes = 0;
  for (int i = 0; i < 20'000 && ended == 0; ++i) {
    loop.deliver(*server, ping);
    if (ended == 0) queued_bytes = connection->queued_bytes();
  }
  EXPECT_EQ(end.kind, FailureKind::bad_protocol);
  EXPECT_LE(queued_bytes, ServerConnection::kPongBytesQueuedMax);
}

TEST_F(ConnectionTest, TextAfterACloseKeepsItsLineEnds) {
  close_at_first_frame = true;
  begin({});
  loop.deliver(*server, "a\nb\r\n\nc");
  EXPECT_THAT(frames, ElementsAre("5:0:0:a"));
  EXPECT_EQ(fragment, "b\r\n\nc");
}

TEST_F(ConnectionTest, AServerThatDoesNotSpeakFramedIsBadProtocol) {
  begin({.protocol = Protocol::framed});
  loop.deliver(*server, "hello\n");
  EXPECT_EQ(end.kind, FailureKind::bad_protocol);
  EXPECT_EQ(ready, 0);
}

TEST_F(ConnectionTest, AFramedServerMustBeginWithHello) {
  begin({.protocol = Protocol::framed});
  loop.deliver(*server, std::string(kPreface) + framed({.type = FrameType::reply, .payload = {}}));
  EXPECT_EQ(end.kind, FailureKind::bad_protocol);
}

TEST_F(ConnectionTest, FramesThatOnlyAClientSendsAreBadProtocol) {
  for (const FrameType type : {FrameType::open, FrameType::hello}) {
    begin_framed();
    loop.deliver(*server, framed({.type = type, .payload = {}}));
    EXPECT_EQ(end.kind, FailureKind::bad_protocol);
  }
}

TEST_F(ConnectionTest, AServerMayTurnAwayAtOnce) {
  begin({.protocol = Protocol::framed});
  loop.deliver(*server, std::string(kPreface) +
                            framed({.type = FrameType::error,
                                    .payload = reason_payload(CloseReason::server_full, "full")}));
  loop.fail(*server, StreamError::reset);
  EXPECT_EQ(end.kind, FailureKind::turned_away);
  EXPECT_EQ(end.told, CloseReason::server_full);
  EXPECT_EQ(end.what, "full");
}

TEST_F(ConnectionTest, AGoawayGivesTheReasonAndRepliesStillArrive) {
  begin_framed();
  loop.turn([this] { connection->send("x"); });
  loop.deliver(*server, framed({.type = FrameType::goaway,
                                .payload = std::string("\0\0\0\1", 4) +
                                           reason_payload(CloseReason::draining, "bye")}) +
                            framed({.type = FrameType::reply, .request_id = 1, .payload = "X"}));
  EXPECT_THAT(frames.back(), "6:0:1:X");
  loop.end(*server);
  EXPECT_EQ(end.kind, FailureKind::turned_away);
  EXPECT_EQ(end.told, CloseReason::draining);
  EXPECT_EQ(end.what, "bye");
}

TEST_F(ConnectionTest, AnErrorOfARequestDoesNotEndTheConnection) {
  begin_framed();
  loop.deliver(*server, framed({.type = FrameType::error,
                                .request_id = 4,
                                .payload = reason_payload(CloseReason::unknown_service, "no")}));
  EXPECT_EQ(frames.size(), 1u);
  loop.end(*server);
  EXPECT_EQ(end.kind, FailureKind::none);
}

TEST(ReadHello, RefusesEveryTruncation) {
  for (std::size_t size = 0; size < kHelloPayload.size(); ++size)
    EXPECT_FALSE(read_hello(Bytes(kHelloPayload).substr(0, size))) << size;
  EXPECT_TRUE(read_hello(kHelloPayload + "a later version's more"));
}

TEST(ReadReason, ReadsKnownAndUnknownReasons) {
  const auto read = [](Bytes payload) { return read_reason(FailureKind::turned_away, payload); };
  EXPECT_EQ(read("abc").told, CloseReason::none);
  EXPECT_EQ(read(Bytes("\0\0\0\x0ewhy", 7)).kind, FailureKind::turned_away);
  EXPECT_EQ(read(Bytes("\0\0\0\x0ewhy", 7)).told, CloseReason::server_full);
  EXPECT_EQ(read(Bytes("\0\0\0\x0ewhy", 7)).what, "why");
  EXPECT_EQ(read("\x7f\x7f\x7f\x7fwhy").told, CloseReason::none);
}

}  // namespace
}  // namespace fairlead
