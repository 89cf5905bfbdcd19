// The end of the daemon, for sessions in every state.
#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using client::request;

const std::string kGoaway = client::number(17, 4) + "the server is shutting down";

ServerSettings automatic() {
  return settings_for("echo", ListenerProtocol::automatic, Boundary::automatic);
}

TEST(Drain, AFramedClientLearnsTheLastRequestExecuted) {
  TestShard shard(automatic());
  auto& client = shard.connect();
  client.sends(client::kPreface + request(3, "a") + request(8, "b"));
  shard.begin_drain();
  const auto said = client::parse(client.received()).frames;
  ASSERT_EQ(said.size(), 4U);
  EXPECT_EQ(said[3], (client::Received{client::goaway, 0, 0, client::number(8, 4) + kGoaway}));
  EXPECT_TRUE(client.wire.saw_end());
  client.sends(request(9, "late")).ends();
  EXPECT_EQ(client::parse(client.received()).frames.size(), 4U) << "nothing is executed after it";
  EXPECT_EQ(client.reason(), "draining");
}

TEST(Drain, WhatHadBeenReceivedIsExecutedBeforeGoaway) {
  for (const bool later : {false, true}) {
    TestShard shard(automatic());
    shard.settings().limits.requests_per_turn = 1;
    auto& client = shard.connect({.probe_answers_later = later});
    client.sends(client::kPreface);
    client.wire.send(request(1, "a") + request(2, "b") + request(3, "c"));
    shard.in_turn([&] { shard.shard().begin_drain(); });
    const auto said = client::parse(client.received()).frames;
    ASSERT_EQ(said.size(), 5U);
    EXPECT_EQ(said[3], (client::Received{client::reply, 0, 3, "c"}));
    EXPECT_EQ(said[4].payload, client::number(3, 4) + kGoaway);
  }
}

TEST(Drain, AFramedClientThatDoesNotReadGetsItsRepliesAndGoaway) {
  TestShard shard(automatic());
  shard.settings().limits.queue_soft = 100;
  auto& client = shard.connect({.kernel_bytes_max = 50, .client_reads = false});
  client.sends(client::kPreface);
  for (unsigned i = 1; i <= 20; ++i) client.sends(request(i, std::string(40, 'x')));
  shard.begin_drain();
  for (int i = 0; i < 200; ++i) client.takes(50);
  const auto said = client::parse(client.received()).frames;
  ASSERT_GE(said.size(), 2U);
  const auto last = said[said.size() - 2];
  EXPECT_EQ(said.back().type, client::goaway);
  EXPECT_EQ(said.back().payload.substr(0, 4), client::number(last.id, 4));
  EXPECT_TRUE(client.wire.saw_end());
}

TEST(Drain, PlainClientsAreServedUntilTheyLeave) {
  TestShard shard(automatic());
  auto& text = shard.connect();
  auto& len32 = shard.connect();
  text.sends("a\n");
  len32.sends(client::len32("a"));
  shard.begin_drain();
  text.sends("b\n");
  len32.sends(client::len32("b"));
  EXPECT_EQ(text.received(), "a\nb\n");
  EXPECT_EQ(len32.received(), client::len32("a") + client::len32("b"));
  text.ends();
  EXPECT_EQ(text.reason(), "peer_closed");
}

TEST(Drain, AClientThatShowsItselfFramedOnlyNowIsSentAwayToo) {
  TestShard shard(automatic());
  auto& client = shard.connect();
  shard.begin_drain();
  client.sends(client::kPreface + request(1, "a"));
  const auto said = client::parse(client.received()).frames;
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[1], (client::Received{client::reply, 0, 1, "a"}));
  EXPECT_EQ(said[2].type, client::goaway);
}

TEST(Drain, TellsWhenNoSessionIsLeft) {
  TestShard shard(automatic());
  int told = 0;
  shard.shard().on_empty = [&] { ++told; };
  auto& client = shard.connect();
  client.ends();
  EXPECT_EQ(told, 0) << "not before a drain";
  auto& other = shard.connect();
  shard.begin_drain();
  EXPECT_EQ(told, 0);
  other.ends();
  EXPECT_EQ(told, 1);
}

TEST(Drain, OfAnEmptyShardIsOverAtOnce) {
  TestShard shard(automatic());
  int told = 0;
  shard.shard().on_empty = [&] { ++told; };
  shard.begin_drain();
  EXPECT_EQ(told, 1);
}

TEST(Evict, FinishesWhatWasReceivedThenEnds) {
  TestShard shard(automatic());
  auto& text = shard.connect();
  auto& len32 = shard.connect();
  text.sends("whole\n");
  len32.sends(client::len32("one"));
  text.wire.send("more\nand a rest");
  len32.wire.send(client::len32("two"));
  shard.evict_all();
  EXPECT_EQ(text.received(), "whole\nmore\nand a rest");
  EXPECT_EQ(len32.received(), client::len32("one") + client::len32("two"));
  EXPECT_TRUE(text.wire.saw_end());
  text.ends();
  len32.ends();
  EXPECT_EQ(text.reason(), "draining");
  EXPECT_EQ(len32.reason(), "draining");
}

TEST(Evict, ABurstAboveItsShareOfTheTurnIsFinishedFirst) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  shard.settings().limits.requests_per_turn = 1;
  auto& client = shard.connect();
  client.wire.send("a\nb\nc\nd\n");
  shard.evict_all();
  EXPECT_EQ(client.received(), "a\nb\nc\nd\n");
  client.ends();
  EXPECT_EQ(client.reason(), "draining");
}

TEST(Evict, AnUndecidedPrefixIsAMessageThatWasReceived) {
  TestShard shard(automatic());
  auto& client = shard.connect();
  client.sends(
      "\xff"
      "F");
  shard.evict_all();
  EXPECT_EQ(client.received(),
            "\xff"
            "F");
  client.ends();
  EXPECT_EQ(client.reason(), "draining");
}

TEST(Evict, ASilentClientAndOneThatIsLingeringEnd) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  shard.settings().services.front()->close_after = 1;
  auto& silent = shard.connect();
  auto& lingering = shard.connect();
  lingering.sends("x\n");
  shard.evict_all();
  EXPECT_TRUE(silent.wire.saw_end());
  shard.advance(2s + TimerWheel::kSlot);
  EXPECT_EQ(silent.reason(), "draining");
  EXPECT_EQ(lingering.reason(), "close_after");
  EXPECT_EQ(shard.shard().connections(), 0U);
}

TEST(Evict, ADownloadIsCutByAResetWhichIsItsOnlySignal) {
  TestShard shard(settings_for("file", ListenerProtocol::text));
  shard.files.add("big", std::string(1'000'000, 'f'));
  auto& client = shard.connect({.kernel_bytes_max = 1000, .client_reads = false});
  client.sends("big\n");
  shard.evict_all();
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "draining");
}

TEST(Evict, ADownloadThatTheEvictionItselfHasBegunIsCutToo) {
  ServerSettings settings = settings_for("file", ListenerProtocol::text, Boundary::automatic);
  TestShard shard(std::move(settings));
  shard.files.add("big", std::string(3'000'000, 'f'));
  auto& client = shard.connect();
  client.sends("big");  // its pause is not over
  shard.evict_all();
  EXPECT_TRUE(client.wire.saw_reset());
}

TEST(Evict, ADownloadThatWaitsForItsTurnIsCutToo) {
  TestShard shard(settings_for("file", ListenerProtocol::text));
  shard.settings().limits.queue_soft = 1000;
  shard.files.add("big", std::string(1'000'000, 'f'));
  auto& client = shard.connect({.kernel_bytes_max = 900, .client_reads = false});
  client.sends("big\n");
  shard.in_turn([&] {
    client.wire.take(900);
    client.wire.run_event();  // there is room again: it goes on in the next turn
    shard.shard().evict_all(CloseReason::draining);
  });
  EXPECT_TRUE(client.wire.saw_reset());
}

TEST(Evict, AClientThatTakesNothingIsGivenNoLongerThanTheLinger) {
  TestShard shard(automatic());
  shard.settings().limits.queue_soft = 100;
  auto& client = shard.connect({.kernel_bytes_max = 10, .client_reads = false});
  client.sends(std::string(500, 'x') + "\n");
  shard.advance(1s);
  shard.evict_all();
  shard.advance(1s + TimerWheel::kSlot);
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "draining");
}

TEST(Evict, WhatWasReceivedWhileItsRepliesWaitIsFinishedAsTheClientTakesThem) {
  for (const char* type : {"text", "len32"}) {
    const bool is_text = type == std::string("text");
    TestShard shard(
        settings_for("echo", is_text ? ListenerProtocol::text : ListenerProtocol::len32));
    shard.settings().limits.queue_soft = 100;
    auto& client = shard.connect({.kernel_bytes_max = 50, .client_reads = false});
    std::string all;
    for (int i = 0; i < 30; ++i) {
      const std::string text = "request " + std::to_string(i);
      all += is_text ? text + "\n" : client::len32(text);
    }
    client.sends(all);
    ASSERT_TRUE(client.wire.is_paused());
    shard.evict_all();
    for (int i = 0; i < 40; ++i) client.takes(50), shard.advance(500ms);
    EXPECT_EQ(client.received(), all);
    EXPECT_TRUE(client.wire.saw_end());
    client.ends();
    EXPECT_EQ(client.reason(), "draining");
  }
}

TEST(Evict, NoEndingTakesLongerThanThirtySecondsHoweverItDrips) {
  TestShard shard(automatic());
  shard.settings().limits.queue_soft = 1000;
  constexpr FakeConditions kDrips{.kernel_bytes_max = 10, .client_reads = false};
  auto& held = shard.connect(kDrips);
  auto& ending = shard.connect(kDrips);
  auto& framed = shard.connect(kDrips);
  held.sends(std::string(900, 'x') + "\n" + std::string(900, 'y') + "\n" + std::string(900, 'z') +
             "\n");
  ending.sends(std::string(900, 'x') + "\n").ends();
  framed.sends(client::kPreface + request(1, std::string(900, 'x')));
  shard.begin_drain();
  shard.advance(10s);
  shard.evict_all();
  const auto drip_for = [&](int seconds) {
    for (int i = 0; i < seconds; ++i) {
      for (TestClient* client : {&held, &ending, &framed}) client->takes(1);
      shard.advance(1s);
    }
  };
  drip_for(29);
  EXPECT_EQ(shard.shard().connections(), 3U);
  drip_for(2);
  EXPECT_EQ(shard.shard().connections(), 0U);
  EXPECT_EQ(held.reason(), "draining");
  EXPECT_EQ(ending.reason(), "peer_closed");
  EXPECT_EQ(framed.reason(), "draining");
}

TEST(Evict, AnEndingThatTakesNothingIsShortenedToo) {
  TestShard shard(automatic());
  auto& client = shard.connect({.kernel_bytes_max = 10, .client_reads = false});
  client.sends(std::string(500, 'x') + "\n").ends();
  shard.evict_all();
  shard.advance(2s + TimerWheel::kSlot);
  EXPECT_EQ(client.reason(), "peer_closed");
}

TEST(Evict, EndsEverySessionEvenWithoutTimeOuts) {
  TestShard shard(automatic());
  shard.settings().timeouts.write = 0s;
  shard.settings().timeouts.linger = 0s;
  shard.connect({.kernel_bytes_max = 10, .client_reads = false})
      .sends(std::string(500, 'x') + "\n");
  shard.evict_all();
  shard.advance(60s);
  EXPECT_EQ(shard.shard().connections(), 0U);
}

TEST(Evict, AFramedClientGetsGoaway) {
  TestShard shard(automatic());
  auto& client = shard.connect();
  client.sends(client::kPreface + request(5, "a"));
  shard.evict_all(CloseReason::restart);
  const auto said = client::parse(client.received()).frames;
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[2], (client::Received{client::goaway, 0, 0,
                                       client::number(5, 4) + client::number(18, 4) +
                                           "the server is restarting; connect again"}));
}

std::size_t ended(TestShard& shard) {
  std::size_t count = 0;
  for (const auto& client : shard.clients()) count += client->wire.saw_end() ? 1 : 0;
  return count;
}

TEST(LameDuck, GoodbyesAreSpreadEvenly) {
  TestShard shard(automatic());
  for (int i = 0; i < 10; ++i) shard.connect().sends(i % 2 == 0 ? "a\n" : client::len32("a"));
  shard.evict_over(100s);
  for (std::size_t gone = 0; gone < 10; ++gone) {
    EXPECT_EQ(ended(shard), gone);
    shard.advance(10s);
  }
  EXPECT_EQ(ended(shard), 10U);
  shard.advance(3s);
  EXPECT_EQ(shard.closed(CloseReason::draining), 10U);
}

TEST(LameDuck, MoreClientsThanMillisecondsAreSpreadToo) {
  TestShard shard(automatic());
  for (int i = 0; i < 500; ++i) shard.connect();
  shard.evict_over(100ms);
  shard.advance(50ms);
  EXPECT_NEAR(static_cast<double>(ended(shard)), 250, 5) << "whose millisecond has come";
  shard.advance(50ms);
  EXPECT_EQ(ended(shard), 500U);
}

TEST(LameDuck, EachIsServedUntilItsTurnAndThenToldAsInADrain) {
  TestShard shard(automatic());
  auto& first = shard.connect();
  auto& second = shard.connect();
  first.sends(client::kPreface + request(1, "a"));
  second.sends(client::kPreface + request(1, "a"));
  shard.evict_over(20s);
  shard.advance(9s);
  first.sends(request(2, "b"));
  shard.advance(1s);
  const auto said = client::parse(first.received()).frames;
  ASSERT_EQ(said.size(), 4U);
  EXPECT_EQ(said[2], (client::Received{client::reply, 0, 2, "b"}));
  EXPECT_EQ(said[3], (client::Received{client::goaway, 0, 0, client::number(2, 4) + kGoaway}));
  EXPECT_TRUE(first.wire.saw_end());
  second.sends(request(2, "b"));
  EXPECT_EQ(client::parse(second.received()).frames.back(),
            (client::Received{client::reply, 0, 2, "b"}));
}

TEST(LameDuck, WhoLeavesIsNotWaitedFor) {
  TestShard shard(automatic());
  int told = 0;
  shard.shard().on_empty = [&] { ++told; };
  auto& staying = shard.connect();
  auto& leaving = shard.connect();
  shard.evict_over(20s);
  leaving.ends();
  EXPECT_EQ(told, 0);
  staying.ends();
  EXPECT_EQ(told, 1);
  shard.advance(30s);
  EXPECT_EQ(told, 1);
}

TEST(LameDuck, OfAnEmptyShardIsOverAtOnce) {
  TestShard shard(automatic());
  int told = 0;
  shard.shard().on_empty = [&] { ++told; };
  shard.evict_over(20s);
  EXPECT_EQ(told, 1);
}

TEST(LameDuck, ADrainCutsItShort) {
  TestShard shard(automatic());
  auto& framed = shard.connect();
  auto& text = shard.connect();
  framed.sends(client::kPreface + request(1, "a"));
  text.sends("a\n");
  shard.evict_over(1000s);
  shard.advance(1s);
  shard.begin_drain();
  EXPECT_EQ(client::parse(framed.received()).frames.back().type, client::goaway);
  text.sends("b\n");
  EXPECT_EQ(text.received(), "a\nb\n");
  shard.evict_all();
  EXPECT_TRUE(text.wire.saw_end());
  shard.advance(3s);
  EXPECT_EQ(shard.shard().connections(), 0U);
}

TEST(LameDuck, OverNoTimeIsAtOnce) {
  TestShard shard(automatic());
  for (int i = 0; i < 3; ++i) shard.connect();
  shard.evict_over(0s);
  shard.advance(TimerWheel::kSlot);
  EXPECT_EQ(ended(shard), 3U);
}

}  // namespace
}  // namespace fairlead
