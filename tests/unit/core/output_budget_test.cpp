// max_buffer_memory: what all clients together may have waiting.
#include "server/core/output_budget.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using Part = OutputBudget::Part;
using Cover = OutputAccount::Cover;

constexpr std::uint64_t kKiB = 1024;
constexpr std::size_t kBlock = OutputAccount::kBlockBytes;

TEST(OutputBudget, IsTakenInGrantsAndGivenBack) {
  OutputBudget budget(1024 * kKiB, 1);
  ASSERT_EQ(budget.grant_bytes(), 32 * kKiB);
  OutputAccount account(budget);
  account.reserve(1);
  account.set(0, kBlock);
  EXPECT_EQ(account.settle(), Cover::whole);
  EXPECT_EQ(budget.granted_bytes(), 32 * kKiB);
  account.set(0, 8 * kBlock);  // within the grant: the shared counter is left alone
  EXPECT_EQ(account.settle(), Cover::whole);
  EXPECT_EQ(budget.granted_bytes(), 32 * kKiB);
  account.set(0, 100 * kBlock);
  EXPECT_EQ(account.settle(), Cover::whole);
  EXPECT_EQ(budget.granted_bytes(), 416 * kKiB);
  account.set(0, 0);
  EXPECT_EQ(account.settle(), Cover::whole);
  EXPECT_EQ(budget.granted_bytes(), 0U);
}

TEST(OutputBudget, IsOverdrawnByOneGrantAtMost) {
  OutputBudget budget(1024 * kKiB, 1);
  OutputAccount account(budget);
  account.reserve(1);
  account.set(0, 256 * kBlock);
  EXPECT_EQ(account.settle(), Cover::whole);
  account.set(0, 257 * kBlock);
  EXPECT_EQ(account.settle(), Cover::overdrawn);
  EXPECT_EQ(account.settle(), Cover::whole) << "told once";
  account.set(0, 265 * kBlock);
  EXPECT_EQ(account.settle(), Cover::missing);
  account.set(0, 0);
  EXPECT_EQ(account.settle(), Cover::whole);
  EXPECT_EQ(budget.granted_bytes(), 0U);
}

TEST(OutputBudget, ARoundEndsTheLargestOfAllShardsUntilNineTenthsAreLeft) {
  OutputBudget budget(1000, 3);
  int rung = 0;
  budget.ring = [&rung] { ++rung; };
  budget.begin_round();
  budget.begin_round();
  EXPECT_EQ(rung, 1) << "one round at a time";
  for (const std::uint32_t shard : {0U, 1U, 2U}) EXPECT_EQ(budget.part_of(shard), Part::report);
  budget.report(1, {100, 250, 40});
  EXPECT_EQ(budget.part_of(1), Part::nothing);
  budget.report(0, {200, 240, 10});
  budget.report(2, {200});
  EXPECT_EQ(rung, 2);
  // 1040 in all; 250 goes, and 790 are left.
  EXPECT_EQ(budget.take_verdict(0), 0U);
  EXPECT_EQ(budget.take_verdict(1), 1U);
  EXPECT_EQ(budget.part_of(2), Part::end_largest);
  EXPECT_EQ(budget.take_verdict(2), 0U);
  budget.begin_round();
  EXPECT_EQ(rung, 3) << "the round is over";
}

TEST(OutputBudget, OfManyEqualQueuesOnlyAsManyAsMustGo) {
  OutputBudget budget(10'000, 2);
  budget.begin_round();
  budget.report(0, std::vector<std::uint64_t>(60, 100));
  budget.report(1, std::vector<std::uint64_t>(50, 100));
  EXPECT_EQ(budget.take_verdict(0) + budget.take_verdict(1), 20U);
}

// ---- In a shard

// Echo clients that do not read have up to 40,000 bytes waiting; there is room for ten of them.
ServerSettings narrow() {
  ServerSettings settings = settings_for("echo", ListenerProtocol::text);
  settings.limits.queue_soft = 30'000;
  settings.limits.max_buffer_memory = 400 * kKiB;
  return settings;
}

TestClient& stuck_client(TestShard& shard, std::size_t bytes, std::size_t listener = 0) {
  auto& client = shard.connect({.kernel_bytes_max = 1, .client_reads = false}, listener);
  client.sends(std::string(bytes - 1, 'x') + "\n");
  return client;
}

TEST(Memory, TheLargestQueuesGoFirstUntilNineTenthsAreLeft) {
  TestShard shard(narrow());
  const auto limit = shard.settings().limits.max_buffer_memory;
  shard.after_turn = [&] { EXPECT_LE(shard.shard().queued_memory(), limit + limit / 32); };
  std::vector<TestClient*> clients;
  for (int i = 0; i < 11; ++i) clients.push_back(&stuck_client(shard, 30'000));
  clients.push_back(&stuck_client(shard, 60'000));
  clients.push_back(&stuck_client(shard, 60'000));
  for (std::size_t i = 0; i < clients.size(); ++i)
    EXPECT_EQ(clients[i]->wire.saw_reset(), i >= 11) << i;
  EXPECT_LE(shard.shard().queued_memory(), limit / 10 * 9);
  EXPECT_EQ(shard.shard().counters().relieved, 2U);
  EXPECT_EQ(shard.closed(CloseReason::slow_consumer), 2U);
  ASSERT_EQ(shard.log.events.size(), 2U);
  EXPECT_EQ(shard.log.events[0].name, "buffer memory limit reached");
  EXPECT_EQ(shard.log.events[0].fields["ended"], "1");
}

TEST(Memory, ManyGoSomeInEachTurn) {
  ServerSettings settings = narrow();
  settings.limits.max_buffer_memory = 8000 * kKiB;
  TestShard shard(std::move(settings));
  std::uint64_t before = 0;
  std::vector<std::uint64_t> ended;
  shard.after_turn = [&] {
    const std::uint64_t now = shard.shard().counters().relieved;
    if (now > before) ended.push_back(now - std::exchange(before, now));
  };
  for (int i = 0; i < 300; ++i) stuck_client(shard, 30'000);
  EXPECT_EQ(shard.shard().queued_memory() / 1024, (300 - before) * 32);
  EXPECT_GT(before, 25U);
  ASSERT_GE(ended.size(), 2U);
  for (const std::uint64_t in_one_turn : ended) EXPECT_LE(in_one_turn, 16U);
  // Each round is told of once, when it is over.
  EXPECT_LT(shard.log.events.size(), ended.size());
}

// What a paused client has sent meanwhile is memory as well.
TEST(Memory, WhatWaitsUnreadBehindTheRepliesCounts) {
  ServerSettings settings = narrow();
  settings.limits.queue_soft = 10'000;
  TestShard shard(std::move(settings));
  auto& client = shard.connect({.kernel_bytes_max = 1, .client_reads = false});
  std::string lines;
  while (lines.size() < 60'000) lines += std::string(99, 'x') + "\n";
  client.sends(lines);
  EXPECT_GE(shard.shard().queued_memory(), 60'000U);
  EXPECT_LE(shard.shard().queued_memory(), 60'000U + 32 * kKiB);
  client.wire.conditions.kernel_bytes_max = 100'000;
  client.takes(1);
  client.takes(100'000);
  EXPECT_EQ(client.received().size(), lines.size());
  EXPECT_EQ(shard.shard().queued_memory(), 0U);
}

TEST(Memory, WhoReadsIsSpared) {
  TestShard shard(narrow());
  auto& reader = shard.connect();
  for (int i = 0; i < 40; ++i) {
    stuck_client(shard, 30'000);
    reader.sends(std::string(30'000, 'r') + "\n");
  }
  EXPECT_EQ(reader.received().size(), 40U * 30'001);
  EXPECT_FALSE(reader.wire.is_over());
  EXPECT_GT(shard.closed(CloseReason::slow_consumer), 20U);
}

TEST(Memory, AnEndingThatHoldsTooMuchIsCutAndKeepsItsReason) {
  ServerSettings settings = narrow();
  ServiceSettings& once = add_service(settings, "once", "echo");
  once.text_rules.boundary = Boundary::line;
  once.close_after = 1;
  add_listener(settings, ListenerProtocol::text, &once);
  TestShard shard(std::move(settings));
  auto& ending = stuck_client(shard, 90'000, 1);
  for (int i = 0; i < 11; ++i) stuck_client(shard, 30'000);
  EXPECT_TRUE(ending.wire.saw_reset());
  EXPECT_EQ(ending.reason(), "close_after");
  EXPECT_EQ(shard.shard().counters().relieved, 1U);
}

TEST(Memory, WhatWasQueuedIsGivenBackHoweverASessionEnds) {
  TestShard shard(narrow());
  stuck_client(shard, 30'000).fails(TransportError::reset);
  stuck_client(shard, 30'000).takes(100'000);
  auto& drained = stuck_client(shard, 30'000);
  while (drained.wire.queued_bytes() > 0)
    drained.takes(1000), drained.wire.conditions.kernel_bytes_max = 5000;
  shard.advance(shard.settings().timeouts.write + 20ms);
  EXPECT_EQ(shard.shard().queued_memory(), 0U);
}

}  // namespace
}  // namespace fairlead
