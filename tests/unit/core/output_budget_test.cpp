// max_buffer_memory: what the clients of a shard together may have waiting.
#include "server/core/output_budget.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kKiB = 1024;
constexpr std::size_t kBlock = OutputBudget::kBlockBytes;

TEST(OutputBudget, CountsTheBlocksOfEachSlot) {
  OutputBudget budget(10 * kBlock);
  budget.reserve(3);
  budget.set(0, 1);
  budget.set(2, 2 * kBlock + 1);
  EXPECT_EQ(budget.bytes_of(0), kBlock) << "ten bytes hold a block";
  EXPECT_EQ(budget.used_bytes(), 4 * kBlock);
  EXPECT_EQ(budget.largest(), 2U);
  budget.set(0, 5 * kBlock);
  EXPECT_EQ(budget.largest(), 0U);
  budget.set(0, 0);
  budget.set(2, 0);
  EXPECT_EQ(budget.used_bytes(), 0U);
}

TEST(OutputBudget, IsExceededAboveItsLimitOnly) {
  OutputBudget budget(10 * kBlock);
  budget.reserve(2);
  budget.set(0, 10 * kBlock);
  EXPECT_FALSE(budget.is_exceeded());
  budget.set(1, 1);
  EXPECT_TRUE(budget.is_exceeded());
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

TEST(Memory, TheLargestQueuesGoFirst) {
  TestShard shard(narrow());
  const auto limit = shard.settings().limits.max_buffer_memory;
  shard.after_turn = [&] { EXPECT_LE(shard.shard().output().used_bytes(), limit); };
  std::vector<TestClient*> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(&stuck_client(shard, 30'000));
  clients.push_back(&stuck_client(shard, 60'000));
  clients.push_back(&stuck_client(shard, 60'000));
  clients.push_back(&stuck_client(shard, 30'000));
  clients.push_back(&stuck_client(shard, 30'000));
  for (std::size_t i = 0; i < clients.size(); ++i)
    EXPECT_EQ(clients[i]->wire.saw_reset(), i == 8) << i;
  EXPECT_EQ(shard.shard().counters().shed, 1U);
  EXPECT_EQ(shard.closed(CloseReason::slow_consumer), 1U);
  ASSERT_EQ(shard.log.events.size(), 1U);
  EXPECT_EQ(shard.log.events[0].name, "buffer memory limit reached");
  EXPECT_EQ(shard.log.events[0].fields["ended"], "1");
  EXPECT_EQ(shard.log.events[0].fields["freed"], "61440");
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
  EXPECT_GE(shard.shard().output().used_bytes(), 60'000U);
  EXPECT_LE(shard.shard().output().used_bytes(), 60'000U + 32 * kKiB);
  client.wire.conditions.kernel_bytes_max = 100'000;
  client.takes(1);
  client.takes(100'000);
  EXPECT_EQ(client.received().size(), lines.size());
  EXPECT_EQ(shard.shard().output().used_bytes(), 0U);
}

// Its stream has yet to finish, and nothing of it will be read any more.
TEST(Memory, WhoIsShedGivesBackAtOnceWhatWaitedUnread) {
  ServerSettings settings = narrow();
  settings.limits.queue_soft = 10'000;
  TestShard shard(std::move(settings));
  const auto limit = shard.settings().limits.max_buffer_memory;
  shard.after_turn = [&] { EXPECT_LE(shard.shard().pool().bytes_in_use(), limit + 32 * kKiB); };
  std::string lines;
  while (lines.size() < 60'000) lines += std::string(99, 'x') + "\n";
  for (int i = 0; i < 20; ++i)
    shard.connect({.kernel_bytes_max = 1, .client_reads = false}).sends(lines);
  EXPECT_GT(shard.shard().counters().shed, 10U);
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
  EXPECT_EQ(shard.shard().counters().shed, 1U);
}

TEST(Memory, WhatWasQueuedIsGivenBackHoweverASessionEnds) {
  TestShard shard(narrow());
  stuck_client(shard, 30'000).fails(StreamError::reset);
  stuck_client(shard, 30'000).takes(100'000);
  auto& drained = stuck_client(shard, 30'000);
  while (drained.queued_bytes() > 0)
    drained.takes(1000), drained.wire.conditions.kernel_bytes_max = 5000;
  shard.advance(shard.settings().timeouts.write + 20ms);
  EXPECT_EQ(shard.shard().output().used_bytes(), 0U);
}

}  // namespace
}  // namespace fairlead
