#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

ServerSettings greeting(ListenerProtocol protocol, Boundary boundary = Boundary::automatic) {
  ServerSettings settings = settings_for("greet", protocol, boundary);
  settings.services.front()->greeting = "成功连接服务器!";
  return settings;
}

TEST(Greeting, IsSentAtOnceOnATextListener) {
  TestShard shard(greeting(ListenerProtocol::text, Boundary::chunk));
  EXPECT_EQ(shard.connect().received(), "成功连接服务器!");
}

TEST(Greeting, EndsWithANewlineWhereMessagesAreLines) {
  TestShard shard(greeting(ListenerProtocol::text, Boundary::line));
  EXPECT_EQ(shard.connect().received(), "成功连接服务器!\n");
}

TEST(Greeting, IsWrittenInTheEncodingOfTheService) {
  ServerSettings settings = greeting(ListenerProtocol::text);
  settings.services.front()->encoding.encode_tie = Encoding::gbk;
  TestShard shard(std::move(settings));
  std::string gbk;
  append_encoded(gbk, "成功连接服务器!", Encoding::gbk);
  EXPECT_EQ(shard.connect().received(), gbk);
}

TEST(Greeting, WaitsOnAnAutoListenerAndThenMakesTheSessionText) {
  TestShard shard(greeting(ListenerProtocol::automatic));
  auto& client = shard.connect();
  shard.advance(99ms);
  EXPECT_EQ(client.received(), "");
  shard.advance(11ms);
  EXPECT_EQ(client.received(), "成功连接服务器!");
  EXPECT_EQ(shard.shard().census().text, 1U);
}

TEST(Greeting, BelievesASilenceOnlyAfterAProbe) {
  TestShard shard(greeting(ListenerProtocol::automatic));
  auto& client = shard.connect();
  shard.advance(95ms);
  client.wire.send(client::kPreface);  // in the kernel, not delivered yet
  client.wire.conditions.probe_answers_later = false;
  shard.in_turn([&] {
    // The loop was busy for long: its timer comes before the bytes.
    shard.shard().begin_turn(shard.now() + 50ms);
    shard.shard().on_timer();
  });
  EXPECT_EQ(shard.shard().census().framed, 1U);
}

TEST(Greeting, ComesAsSoonAsTheProtocolIsKnown) {
  TestShard shard(greeting(ListenerProtocol::automatic));
  auto& text = shard.connect();
  auto& len32 = shard.connect();
  auto& framed = shard.connect();
  text.sends("x");
  len32.sends(Bytes("\0", 1));
  framed.sends(client::kPreface);
  EXPECT_EQ(text.received(), "成功连接服务器!");
  EXPECT_EQ(len32.received(), client::len32("成功连接服务器!"));
  const auto said = client::parse(framed.received());
  ASSERT_EQ(said.frames.size(), 2U);
  EXPECT_EQ(said.frames[0].type, client::hello);
  EXPECT_EQ(said.frames[1], (client::Received{client::message, 0, 0, "成功连接服务器!"}));
}

TEST(Greeting, ComesAtOnceOnALen32Listener) {
  TestShard shard(greeting(ListenerProtocol::len32));
  EXPECT_EQ(shard.connect().received(), client::len32("成功连接服务器!"));
}

TEST(Greeting, WithoutOneASilentClientStaysUndecided) {
  TestShard shard(settings_for("echo", ListenerProtocol::automatic));
  shard.connect();
  shard.advance(1s);
  EXPECT_EQ(shard.shard().census().undecided, 1U);
}

TEST(Greeting, IsNotForThoseWhoAreTurnedAway) {
  ServerSettings settings = greeting(ListenerProtocol::text);
  settings.services.front()->transcript = {
      .on_connect = "connected", .on_message = {}, .on_close = "gone", .on_missing = {}};
  TestShard shard(std::move(settings));
  auto& client = shard.connect({}, 0, CloseReason::server_full);
  EXPECT_EQ(client.received(), "error: server_full: the server is full; try again later\n");
  EXPECT_TRUE(client.wire.saw_end());
  client.ends();
  EXPECT_EQ(client.reason(), "server_full");
  EXPECT_TRUE(shard.transcript.lines.empty());
}

TEST(Greeting, WhoIsTurnedAwayFromAnAutoListenerIsClosedWithoutAWait) {
  TestShard shard(greeting(ListenerProtocol::automatic));
  auto& client = shard.connect({}, 0, CloseReason::denied);
  EXPECT_EQ(client.received(), "");
  EXPECT_TRUE(client.wire.saw_end());
  client.ends();
  EXPECT_EQ(client.reason(), "denied");
}

}  // namespace
}  // namespace fairlead
