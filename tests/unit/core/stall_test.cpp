// The daemon was stopped (SIGSTOP, a suspended machine) or starved: the clock jumps, and nobody is
// thrown out for it.
#include <gtest/gtest.h>

#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

ServerSettings impatient() {
  ServerSettings settings = settings_for("echo", ListenerProtocol::text);
  settings.listeners.front()->idle = 10s;
  settings.timeouts.first_byte = 8s;
  settings.timeouts.message = 3s;
  settings.timeouts.write = 5s;
  return settings;
}

TEST(Stall, NobodyIsThrownOutForATimeInWhichNobodyWasHeard) {
  TestShard shard(impatient());
  auto& silent = shard.connect();
  auto& idle = shard.connect();
  auto& writing = shard.connect();
  auto& stuck = shard.connect({.kernel_bytes_max = 1, .client_reads = false});
  idle.sends("x\n");
  writing.sends("begun");
  stuck.sends("0123456789\n");
  shard.advance(2900ms);
  shard.stop_for(60s);
  EXPECT_EQ(shard.shard().counters().stalls, 1U);
  for (TestClient* client : {&silent, &idle, &writing, &stuck})
    EXPECT_FALSE(client->wire.is_over());
  writing.sends(" and finished\n");
  EXPECT_EQ(writing.received(), "begun and finished\n");
  EXPECT_EQ(shard.log.events.at(0).name, "stalled");
}

TEST(Stall, DeadlinesAreLaterByTheGapAndNotMore) {
  TestShard shard(impatient());
  auto& idle = shard.connect();
  idle.sends("x\n");
  shard.advance(4s);
  shard.connect({.kernel_bytes_max = 1, .client_reads = false}).sends("0123456789\n");
  shard.advance(1s);  // what is due next is that one's write time-out
  shard.stop_for(100s);
  // Five seconds were left to it. It slept through some of them, and gets one to be heard.
  shard.advance(2s);
  EXPECT_FALSE(idle.wire.is_over());
  shard.advance(4s + TimerWheel::kSlot);
  EXPECT_TRUE(idle.wire.is_over());
  idle.ends();
  EXPECT_EQ(idle.reason(), "idle_timeout");
}

TEST(Stall, IsNoticedWithoutADeadline) {
  for (const bool has_client : {false, true}) {
    ServerSettings patient = settings_for("echo", ListenerProtocol::text);
    patient.listeners.front()->idle = 0s;
    patient.timeouts = {};
    TestShard shard(std::move(patient));
    if (has_client) shard.connect().sends("x\n");
    shard.advance(1h);
    EXPECT_EQ(shard.shard().counters().stalls, 0U);
    shard.stop_for(5s);
    EXPECT_EQ(shard.shard().counters().stalls, 1U);
    shard.stop_for(2s);
    EXPECT_EQ(shard.shard().counters().stalls, 2U);
  }
}

TEST(Stall, AShardThatHasEndedIsNotWokenForIt) {
  TestShard shard(impatient());
  EXPECT_TRUE(shard.shard().next_due());
  shard.in_turn([&] { shard.shard().begin_drain(); });
  EXPECT_FALSE(shard.shard().next_due());
}

TEST(Stall, WhatArrivedMeanwhileIsHeardBeforeAnybodyIsJudged) {
  TestShard shard(impatient());
  std::vector<TestClient*> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(&shard.connect());
    clients.back()->sends("begun");
  }
  shard.advance(2990ms);
  shard.skip_clock(30s);
  // The timer may well be served first.
  shard.in_turn([&] { shard.shard().on_timer(); });
  for (TestClient* client : clients) client->sends(" finished\n");
  for (TestClient* client : clients) EXPECT_EQ(client->received(), "begun finished\n");
}

TEST(Stall, WorkThatWaitsSaysSoToo) {
  TestShard shard(impatient());
  shard.settings().limits.requests_per_turn = 1;
  auto& greedy = shard.connect();
  auto& writing = shard.connect();
  writing.sends("begun");
  greedy.wire.send("a\nb\nc\n");
  shard.stop_in_turn(2500ms, [&] { greedy.wire.run_event(); });
  shard.advance(2s);
  EXPECT_FALSE(writing.wire.is_over()) << "of its three seconds the daemon was away for most";
  EXPECT_EQ(greedy.received(), "a\nb\nc\n");
}

TEST(Stall, ADaemonThatIsAlwaysLateStillEndsWhoIsDue) {
  TestShard shard(impatient());
  auto& client = shard.connect();
  client.sends("begun");
  for (int i = 0; i < 10 && !client.wire.is_over(); ++i) shard.stop_for(5s);
  EXPECT_TRUE(client.wire.is_over());

  // Or nearly always: for a moment it runs each time.
  auto& other = shard.connect();
  other.sends("begun");
  for (int i = 0; i < 20 && !other.wire.is_over(); ++i) {
    shard.stop_for(5s);
    shard.advance(1ms);
    shard.in_turn([] {});
  }
  EXPECT_TRUE(other.wire.is_over());
}

TEST(Stall, ABusyMomentIsNone) {
  TestShard shard(impatient());
  auto& client = shard.connect();
  client.sends("begun");
  shard.advance(2s);
  shard.stop_for(1400ms);
  EXPECT_TRUE(client.wire.is_over());
  EXPECT_EQ(shard.shard().counters().stalls, 0U);
}

}  // namespace
}  // namespace fairlead
