// A reload as one shard sees it: what is in force for everybody, and what a connection keeps.
#include <gtest/gtest.h>

#include <string>

#include "server/core/service_set.hpp"
#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

ServerSettings replying(const std::string& text) {
  ServerSettings settings = settings_for("reply", ListenerProtocol::text);
  settings.services[0]->text = text;
  return settings;
}

TEST(ReloadOfShard, AConnectionKeepsTheServiceItHasBegunWith) {
  TestShard shard(replying("old"));
  TestClient& before = shard.connect();
  ASSERT_EQ(shard.reload(replying("new")), "");
  TestClient& after = shard.connect();
  before.sends("x\n");
  after.sends("x\n");
  EXPECT_EQ(before.received(), "old\n");
  EXPECT_EQ(after.received(), "new\n");
}

TEST(ReloadOfShard, AConnectionThatHasSaidNothingKeepsItToo) {
  ServerSettings settings = replying("old");
  settings.listeners[0]->protocol = ListenerProtocol::automatic;
  TestShard shard(std::move(settings));
  TestClient& client = shard.connect();
  ASSERT_EQ(shard.reload(replying("new")), "");
  client.sends("x\n");
  EXPECT_EQ(client.received(), "old\n");
}

TEST(ReloadOfShard, AListenerThatHasGoneLeavesItsConnections) {
  TestShard shard(replying("old"));
  TestClient& client = shard.connect();
  ServerSettings without = default_settings();
  add_listener(without, ListenerProtocol::text, &add_service(without, "other", "echo")).name =
      "other";
  ASSERT_EQ(shard.reload(std::move(without)), "");
  client.sends("x\n");
  EXPECT_EQ(client.received(), "old\n");
  client.ends();
  EXPECT_EQ(client.reason(), "peer_closed");
}

TEST(ReloadOfShard, FramedClientsOpenWhatTheirListenerOfferedWhenTheyCame) {
  TestShard shard(settings_for("echo", ListenerProtocol::framed));
  TestClient& client = shard.connect();
  ASSERT_EQ(shard.reload(settings_for("discard", ListenerProtocol::framed)), "");
  client.sends(client::kPreface + client::frame(client::open, 1, 1, "echo"));
  EXPECT_EQ(client::parse(client.received()).frames.back().type, client::opened);
}

TEST(ServiceSets, AServiceWhoseSettingsAreTheSameGoesOn) {
  CapturingTranscript transcript;
  MemoryFileStores files;
  const TimePoint now{};
  const ServiceSet::Environment environment{transcript, files, now};
  const auto snapshot = [](const std::string& text) {
    ServerSettings settings = replying(text);
    add_service(settings, "echo", "echo");
    return std::make_shared<const ServerSettings>(std::move(settings));
  };
  const ServiceSet first(snapshot("old"), environment, nullptr);
  const ServiceSet second(snapshot("new"), environment, &first);
  ASSERT_EQ(second.services().size(), 2U);
  EXPECT_NE(second.services()[0], first.services()[0]);
  EXPECT_EQ(second.services()[1], first.services()[1]);
}

TEST(ReloadOfShard, AShorterTimeOutHoldsForThoseWhoAreConnected) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  TestClient& client = shard.connect();
  client.sends("x\n");
  ServerSettings impatient = settings_for("echo", ListenerProtocol::text);
  impatient.timeouts.idle = 3s;
  ASSERT_EQ(shard.reload(std::move(impatient)), "");
  shard.advance(3s + TimerWheel::kSlot);
  client.ends();
  EXPECT_EQ(client.reason(), "idle_timeout");
}

TEST(ReloadOfShard, ALongerTimeOutHoldsForThem) {
  ServerSettings impatient = settings_for("echo", ListenerProtocol::text);
  impatient.timeouts.idle = 3s;
  TestShard shard(std::move(impatient));
  TestClient& client = shard.connect();
  ASSERT_EQ(shard.reload(settings_for("echo", ListenerProtocol::text)), "");
  shard.advance(60s);
  EXPECT_FALSE(client.wire.is_over());
}

// One slice of a turn is a thousand of them.
TEST(ReloadOfShard, ManyConnectionsAreGoneThroughInSlices) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  for (int i = 0; i < 2500; ++i) shard.connect();
  ServerSettings impatient = settings_for("echo", ListenerProtocol::text);
  impatient.timeouts.idle = 3s;
  const std::uint64_t turns = shard.turns();
  ASSERT_EQ(shard.reload(std::move(impatient)), "");
  shard.advance(10ms);
  EXPECT_GE(shard.turns() - turns, 3 + 2500 / 1000);
  shard.advance(3s + TimerWheel::kSlot);
  for (const auto& client : shard.clients()) EXPECT_TRUE(client->wire.is_over());
}

TEST(ReloadOfShard, TheListenersOwnTimeOutIsThatOfTheFirstMoment) {
  ServerSettings own = settings_for("echo", ListenerProtocol::text);
  own.listeners[0]->idle = 5s;
  TestShard shard(std::move(own));
  TestClient& client = shard.connect();
  ServerSettings other = settings_for("echo", ListenerProtocol::text);
  other.listeners[0]->idle = 1s;
  ASSERT_EQ(shard.reload(std::move(other)), "");
  shard.advance(4s);
  EXPECT_FALSE(client.wire.is_over());
  shard.advance(1s + TimerWheel::kSlot);
  EXPECT_TRUE(client.wire.is_over());
}

TEST(ReloadOfShard, TheLongestMessageIsForNewConnections) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  TestClient& before = shard.connect();
  ServerSettings small = settings_for("echo", ListenerProtocol::text);
  small.limits.max_message = 4;
  ASSERT_EQ(shard.reload(std::move(small)), "");
  TestClient& after = shard.connect();
  before.sends("12345678\n");
  after.sends("12345678\n");
  EXPECT_EQ(before.received(), "12345678\n");
  after.ends();
  EXPECT_EQ(after.reason(), "message_too_big");
}

TEST(ReloadOfShard, AnAutomaticUserTimeoutFollowsTheTimeOutOfWriting) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  TestClient& client = shard.connect();
  ASSERT_EQ(shard.reload(settings_for("echo", ListenerProtocol::text)), "");
  shard.advance(1s);
  EXPECT_EQ(client.wire.user_timeout(), std::nullopt) << "nothing has changed";
  ServerSettings patient = settings_for("echo", ListenerProtocol::text);
  patient.timeouts.write = 120s;
  ASSERT_EQ(shard.reload(std::move(patient)), "");
  shard.advance(1s);
  EXPECT_EQ(client.wire.user_timeout(), 150s);
}

TEST(ReloadOfShard, AUserTimeoutThatWasGivenIsThatOfTheFirstMoment) {
  ServerSettings given = settings_for("echo", ListenerProtocol::text);
  given.socket.user_timeout = 7s;
  TestShard shard(std::move(given));
  TestClient& client = shard.connect();
  ServerSettings patient = settings_for("echo", ListenerProtocol::text);
  patient.timeouts.write = 120s;
  ASSERT_EQ(shard.reload(std::move(patient)), "");
  shard.advance(1s);
  EXPECT_EQ(client.wire.user_timeout(), std::nullopt);
}

TEST(ReloadOfShard, LessMemoryForQueuesHoldsAtOnce) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  TestClient& stuck = shard.connect({.kernel_bytes_max = 1, .client_reads = false});
  stuck.sends(std::string(200'000, 'x') + "\n");
  ServerSettings small = settings_for("echo", ListenerProtocol::text);
  small.limits.max_buffer_memory = 100'000;
  ASSERT_EQ(shard.reload(std::move(small)), "");
  EXPECT_EQ(stuck.reason(), "slow_consumer");
}

TEST(ReloadOfShard, WhatWasPreparedAndDroppedChangesNothing) {
  TestShard shard(replying("old"));
  const auto next = std::make_shared<ServerSettings>(replying("new"));
  shard.in_turn([&] { EXPECT_EQ(shard.shard().prepare_settings(next), ""); });
  shard.in_turn([&] { shard.shard().drop_prepared(); });
  TestClient& client = shard.connect();
  client.sends("x\n");
  EXPECT_EQ(client.received(), "old\n");
}

}  // namespace
}  // namespace fairlead
