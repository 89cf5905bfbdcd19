// What waits to be sent, who is read from, and whose turn it is.
#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

ServerSettings small_queue() {
  ServerSettings settings = settings_for("echo", ListenerProtocol::text);
  settings.limits.queue_soft = 1000;
  return settings;
}

const std::string kLine = std::string(99, 'x') + "\n";

TEST(Output, AboveTheMarkAClientIsNotReadFrom) {
  TestShard shard(small_queue());
  auto& client = shard.connect({.kernel_bytes_max = 100, .client_reads = false});
  for (int i = 0; i < 50; ++i) client.sends(kLine);
  EXPECT_TRUE(client.wire.is_paused());
  EXPECT_GT(client.wire.undelivered_bytes(), 3000U);
  EXPECT_LE(client.queued_bytes(), 1100U);
}

TEST(Output, AtHalfOfTheMarkItIsReadFromAgain) {
  TestShard shard(small_queue());
  auto& client = shard.connect({.kernel_bytes_max = 100, .client_reads = false});
  for (int i = 0; i < 50; ++i) client.sends(kLine);
  const std::uint64_t delivered = client.wire.delivered_bytes();
  while (client.queued_bytes() > 600) client.takes(100);
  EXPECT_EQ(client.wire.delivered_bytes(), delivered);
  client.takes(100);
  EXPECT_GT(client.wire.delivered_bytes(), delivered);
}

TEST(Output, ASlowReaderGetsEveryReplyInOrder) {
  TestShard shard(small_queue());
  auto& client = shard.connect({.kernel_bytes_max = 64, .client_reads = false});
  std::string all;
  for (int i = 0; i < 500; ++i) all += "message number " + std::to_string(i) + "\n";
  client.sends(all);
  for (int i = 0; i < 1000; ++i) client.takes(33);
  EXPECT_EQ(client.received(), all);
}

TEST(Output, MemoryStaysBoundedForAClientThatOnlySends) {
  TestShard shard(small_queue());
  auto& client = shard.connect({.kernel_bytes_max = 100, .client_reads = false});
  for (int i = 0; i < 1000; ++i) client.sends(kLine);
  EXPECT_LE(shard.shard().pool().bytes_in_use(), 64U * 1024);
}

TEST(Turns, OneClientsBurstLeavesTheOthersTheirTurns) {
  TestShard shard(settings_for("reply", ListenerProtocol::text));
  shard.settings().limits.requests_per_turn = 10;
  auto& greedy = shard.connect();
  auto& modest = shard.connect();
  std::string burst;
  for (int i = 0; i < 1000; ++i) burst += "x\n";
  greedy.wire.send(burst);
  modest.wire.send("x\n");
  std::size_t greedy_had = 0;
  shard.after_turn = [&] {
    if (!modest.received().empty() && greedy_had == 0) greedy_had = greedy.received().size();
  };
  shard.settle();
  EXPECT_EQ(greedy_had, 30U) << "ten replies of three bytes before the other's turn";
  EXPECT_EQ(greedy.received().size(), 3000U);
}

// What a loop whose time is up leaves for a later turn.
TEST(Turns, WhoGoesOnMayBeSpreadOverSeveral) {
  TestShard shard(settings_for("reply", ListenerProtocol::text));
  shard.settings().limits.requests_per_turn = 10;
  shard.pieces_per_turn = 2;
  std::string burst;
  for (int i = 0; i < 95; ++i) burst += "x\n";
  std::vector<TestClient*> greedy;
  for (int i = 0; i < 5; ++i) greedy.push_back(&shard.connect());
  for (TestClient* client : greedy) client->wire.send(burst);
  std::vector<std::size_t> before(greedy.size());
  shard.after_turn = [&] {
    std::size_t served = 0;
    for (std::size_t i = 0; i < greedy.size(); ++i) {
      const std::size_t received = greedy[i]->received().size();
      EXPECT_LE(received - before[i], 30U) << i;
      served += received > before[i] ? 1 : 0;
      before[i] = received;
    }
    EXPECT_LE(served, 2U);
    const auto [least, most] = std::minmax_element(before.begin(), before.end());
    EXPECT_LE(*most - *least, 30U) << "each has its turn";
  };
  shard.settle();
  for (const TestClient* client : greedy) EXPECT_EQ(client->received().size(), 285U);
}

TEST(Turns, WhoseEndComesBeforeItsTurnIsFreed) {
  TestShard shard(settings_for("reply", ListenerProtocol::text));
  shard.settings().limits.requests_per_turn = 1;
  shard.pieces_per_turn = 1;
  auto& first = shard.connect();
  auto& second = shard.connect();
  first.wire.send("x\nx\nx\nx\n");
  second.wire.send("x\nx\nx\nx\n");
  bool failed = false;
  shard.after_turn = [&] {
    if (!std::exchange(failed, true)) second.wire.fail(StreamError::reset);
  };
  shard.settle();
  EXPECT_EQ(first.received().size(), 12U);
  EXPECT_EQ(second.reason(), "reset");
  EXPECT_EQ(shard.shard().connections(), 1U);
}

TEST(Turns, NoTurnHandlesMoreThanItsShare) {
  TestShard shard(settings_for("reply", ListenerProtocol::text));
  shard.settings().limits.requests_per_turn = 10;
  auto& client = shard.connect();
  std::size_t before = 0;
  shard.after_turn = [&] {
    EXPECT_LE(client.received().size() - before, 30U);
    before = client.received().size();
  };
  std::string burst;
  for (int i = 0; i < 95; ++i) burst += "x\n";
  client.sends(burst);
  EXPECT_EQ(client.received().size(), 285U);
}

TEST(Turns, AMillionRequestsInARowSlowNobodyElse) {
  TestShard shard(settings_for("reply", ListenerProtocol::text));
  auto& greedy = shard.connect();
  auto& modest = shard.connect();
  constexpr std::size_t kRequests = 1'000'000;
  std::string burst;
  for (std::size_t i = 0; i < 32'768; ++i) burst += "x\n";
  std::size_t sent = 0;
  std::size_t asked = 0;
  std::uint64_t asked_at = 0;
  std::uint64_t longest = 0;
  shard.after_turn = [&] {
    if (greedy.received().size() < 3 * kRequests && modest.received().size() == 3 * asked) {
      longest = std::max(longest, shard.turns() - asked_at);
      asked_at = shard.turns();
      ++asked;
      modest.wire.send("x\n");
    }
    if (greedy.wire.undelivered_bytes() == 0 && sent < kRequests) {
      const std::size_t count = std::min<std::size_t>(32'768, kRequests - sent);
      greedy.wire.send(std::string_view(burst).substr(0, 2 * count));
      sent += count;
    }
  };
  shard.in_turn([] {});
  EXPECT_EQ(greedy.received().size(), 3 * kRequests);
  EXPECT_GE(asked, kRequests / 64) << "it had an answer for each share of the other";
  EXPECT_LE(longest, 3U) << "turns between its request and the reply";
}

TEST(Turns, ADownloadTakesOneShareOfATurn) {
  TestShard shard(settings_for("file", ListenerProtocol::text));
  const std::string content(5'000'000, 'f');
  shard.files.add("big", content);
  auto& client = shard.connect();  // takes everything at once
  std::size_t before = 0;
  shard.after_turn = [&] {
    EXPECT_LE(client.received().size() - before, 1024U * 1024) << "one turn, one share";
    before = client.received().size();
  };
  client.sends("big\n");
  EXPECT_EQ(client.received(), content);
  EXPECT_TRUE(client.wire.saw_end());
}

TEST(Output, AnotherClientIsServedWhileOneDoesNotRead) {
  TestShard shard(small_queue());
  auto& stuck = shard.connect({.kernel_bytes_max = 10, .client_reads = false});
  auto& other = shard.connect();
  for (int i = 0; i < 50; ++i) stuck.sends(kLine);
  other.sends("hello\n");
  EXPECT_EQ(other.received(), "hello\n");
}

}  // namespace
}  // namespace fairlead
