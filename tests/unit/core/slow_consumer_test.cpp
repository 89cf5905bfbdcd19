// Clients of a pushing service that do not keep up. The ticker says "tick N xxx" at equal
// intervals.
#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kHard = 4096;
constexpr std::size_t kSoft = 1000;
constexpr std::size_t kTick = 200;  // bytes of a line, without its end

// A tick of 200 bytes each 100 ms.
ServerSettings ticking(ListenerProtocol protocol = ListenerProtocol::text,
                       SlowPolicy policy = SlowPolicy::disconnect) {
  ServerSettings settings = settings_for("ticker", protocol);
  settings.services.front()->text = "100 " + std::to_string(kTick);
  settings.limits.queue_soft = kSoft;
  settings.limits.queue_hard = kHard;
  settings.limits.queue_soft_for = 2s;
  settings.limits.slow_policy = policy;
  settings.timeouts.write = 5s;
  return settings;
}

constexpr FakeConditions kTakesNothing{.kernel_bytes_max = 10, .client_reads = false};

std::string tick(std::uint64_t number) {
  std::string text = "tick " + std::to_string(number) + " ";
  text.resize(kTick, 'x');
  return text;
}

TEST(Push, ReachesEveryClientAtItsTime) {
  TestShard shard(ticking());
  auto& first = shard.connect();
  shard.advance(50ms);
  auto& second = shard.connect();
  shard.advance(50ms);
  EXPECT_EQ(first.received(), tick(1) + "\n");
  EXPECT_EQ(second.received(), tick(1) + "\n");
  shard.advance(200ms);
  EXPECT_EQ(first.received(), tick(1) + "\n" + tick(2) + "\n" + tick(3) + "\n");
}

// What is for thousands delays nobody who has asked something.
TEST(Push, ToManyIsWrittenSomeInEachTurn) {
  TestShard shard(ticking());
  std::vector<TestClient*> all;
  for (int i = 0; i < 300; ++i) all.push_back(&shard.connect());
  std::size_t reached = 0;
  shard.after_turn = [&] {
    const auto now = static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [](const TestClient* one) { return !one->received().empty(); }));
    EXPECT_LE(now - reached, 16U);
    reached = now;
  };
  shard.advance(100ms);
  for (const TestClient* one : all) EXPECT_EQ(one->received(), tick(1) + "\n");
}

TEST(Push, AsksForNoTimeWhileThereIsNobody) {
  TestShard shard(ticking());
  shard.connect().ends();
  shard.advance(1s);
  const std::uint64_t before = shard.turns();
  shard.advance(1h);
  EXPECT_LT(shard.turns() - before, 3U);
}

TEST(Push, AListenerWhoTakesWhatComesIsNotIdle) {
  ServerSettings settings = ticking();
  settings.listeners.front()->idle = 1s;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  shard.advance(10s);
  EXPECT_FALSE(client.wire.is_over());
}

TEST(SlowConsumer, EndsAtQueueHard) {
  TestShard shard(ticking());
  shard.settings().limits.queue_soft_for = 1h;
  auto& slow = shard.connect(kTakesNothing);
  auto& other = shard.connect();
  std::size_t most = 0;
  shard.after_turn = [&] { most = std::max(most, slow.wire.queued_bytes()); };
  shard.advance(2100ms);  // 21 ticks of 201 bytes are above it
  EXPECT_EQ(shard.closed(CloseReason::slow_consumer), 0U) << "its end takes what may be taken yet";
  slow.takes(10'000);
  for (int i = 0; i < 1000; ++i) slow.takes(10);
  EXPECT_TRUE(slow.wire.saw_end()) << "all that was queued, and then the end";
  slow.ends();
  EXPECT_EQ(slow.reason(), "slow_consumer");
  EXPECT_LE(most, kHard + kTick + 1);
  EXPECT_EQ(shard.closed(CloseReason::slow_consumer), 1U);
  EXPECT_EQ(other.received().size(), 21 * (kTick + 1));
}

TEST(SlowConsumer, IsNeverAWriteTimeOut) {
  TestShard shard(ticking());
  shard.settings().limits.queue_soft_for = 1h;
  shard.settings().limits.queue_hard = 1'000'000;
  auto& slow = shard.connect(kTakesNothing);
  shard.advance(60s);  // twelve write time-outs
  EXPECT_FALSE(slow.wire.is_over());
}

TEST(SlowConsumer, EndsWhenAboveQueueSoftForTooLong) {
  TestShard shard(ticking());
  auto& slow = shard.connect(kTakesNothing);
  shard.advance(600ms - 1ms);  // the fifth tick brings it above
  shard.advance(1900ms);
  slow.sends("still here\n");
  EXPECT_FALSE(slow.wire.is_over());
  shard.advance(20ms);
  // What it has not taken by the write time-out is lost; the reason is the first one.
  shard.advance(5s + TimerWheel::kSlot);
  EXPECT_TRUE(slow.wire.saw_reset());
  EXPECT_EQ(slow.reason(), "slow_consumer");
}

TEST(SlowConsumer, BelowQueueSoftInTimeIsNone) {
  TestShard shard(ticking());
  auto& slow = shard.connect(kTakesNothing);
  for (int i = 0; i < 20; ++i) {
    shard.advance(1s);
    while (slow.wire.queued_bytes() > 500) slow.takes(10);
  }
  EXPECT_FALSE(slow.wire.is_over());
}

TEST(SlowConsumer, AFramedClientIsTold) {
  TestShard shard(ticking(ListenerProtocol::framed));
  auto& slow = shard.connect({.kernel_bytes_max = 100, .client_reads = false});
  slow.sends(client::kPreface);
  shard.advance(2800ms);
  for (int i = 0; i < 200; ++i) slow.takes(100);
  const auto said = client::parse(slow.received());
  ASSERT_GT(said.frames.size(), 3U);
  EXPECT_EQ(said.frames[1].payload, tick(1));
  EXPECT_EQ(said.frames.back().type, client::error);
  EXPECT_EQ(said.frames.back().code(), static_cast<std::uint64_t>(CloseReason::slow_consumer));
  EXPECT_EQ(said.rest, "");
}

TEST(SlowConsumer, AClientThatTakesAllMayGetMoreInATurnThanQueueHard) {
  ServerSettings settings = ticking();
  settings.services.front()->text = "100 3000";
  settings.limits.queue_soft = settings.limits.queue_hard = kHard;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  // Two ticks, and replies, in one turn are more than that; the kernel is asked between them.
  for (int i = 0; i < 30; ++i) shard.advance(100ms), client.sends(std::string(3000, 'y') + "\n");
  EXPECT_FALSE(client.wire.is_over());
  EXPECT_EQ(client.received().size(), 30U * 2 * 3001);
}

TEST(SlowConsumer, AfterLeavingThePushingChannelItIsAnOrdinaryClient) {
  ServerSettings settings = ticking(ListenerProtocol::framed);
  ServiceSettings& echo = add_service(settings, "echo", "echo");
  settings.listeners.front()->service = &echo;
  TestShard shard(std::move(settings));
  auto& client = shard.connect({.kernel_bytes_max = 100, .client_reads = false});
  client.sends(client::kPreface + client::frame(client::open, 1, 1, "ticker"));
  shard.advance(1s);
  EXPECT_GT(client.wire.queued_bytes(), kSoft);
  client.sends(client::frame(client::close, 1, 0));
  shard.advance(4900ms);
  EXPECT_FALSE(client.wire.is_over()) << client.reason() << ": nobody pushes any more";
  shard.advance(200ms);
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "write_timeout");
}

// ---- drop_oldest

// Every line of what was received is a whole tick or a word on how many are missing, and together
// they are all that was said up to the last one.
void expect_gaps_told(const std::string& received) {
  std::uint64_t next = 1;
  std::size_t gaps = 0;
  std::size_t at = 0;
  while (at < received.size()) {
    const std::size_t end = received.find('\n', at);
    ASSERT_NE(end, std::string::npos) << "torn: " << received.substr(at);
    const std::string line = received.substr(at, end - at);
    at = end + 1;
    const std::string kGap = "error: slow_consumer: ";
    if (line.starts_with(kGap)) {
      next += std::stoull(line.substr(kGap.size()));
      ++gaps;
    } else {
      ASSERT_EQ(line, tick(next)) << "after " << gaps << " gaps";
      ++next;
    }
  }
  EXPECT_GT(gaps, 0U);
}

TEST(DropOldest, WholeMessagesOnlyAndTheGapIsTold) {
  TestShard shard(ticking(ListenerProtocol::text, SlowPolicy::drop_oldest));
  auto& slow = shard.connect({.kernel_bytes_max = 700, .client_reads = false});
  std::size_t most = 0;
  shard.after_turn = [&] { most = std::max(most, slow.wire.queued_bytes()); };
  for (int i = 0; i < 40; ++i) {
    shard.advance(1s);
    slow.takes(static_cast<std::size_t>(i) * 37 % 500);
  }
  shard.advance(99ms);
  shard.settings().services.front()->text.clear();
  while (slow.wire.queued_bytes() > 0) slow.takes(100);
  for (int i = 0; i < 100; ++i) slow.takes(100);
  expect_gaps_told(slow.received());
  EXPECT_GT(shard.shard().counters().messages_dropped, 100U);
  EXPECT_LE(most, kSoft + kTick + 100) << "what the Transport was given cannot be dropped any more";
  EXPECT_LE(shard.shard().buffer_bytes(), 3 * kHard);
  EXPECT_FALSE(slow.wire.is_over());
}

TEST(DropOldest, NobodyIsASlowConsumerHoweverLittleItTakes) {
  TestShard shard(ticking(ListenerProtocol::text, SlowPolicy::drop_oldest));
  auto& slow = shard.connect(kTakesNothing);
  shard.advance(300s);
  EXPECT_FALSE(slow.wire.is_over());
  EXPECT_LE(shard.shard().queued_memory(), 2 * kHard);
  slow.fails(TransportError::reset);
  EXPECT_EQ(shard.shard().buffer_bytes(), 0U);
  EXPECT_EQ(shard.shard().queued_memory(), 0U);
}

TEST(DropOldest, NoReplyIsDropped) {
  TestShard shard(ticking(ListenerProtocol::framed, SlowPolicy::drop_oldest));
  auto& slow = shard.connect({.kernel_bytes_max = 300, .client_reads = false});
  slow.sends(client::kPreface);
  std::uint32_t id = 0;
  for (int i = 0; i < 60; ++i) {
    shard.advance(300ms);
    ++id;
    slow.sends(client::request(id, "request " + std::to_string(id)));
    slow.takes(150);
  }
  for (int i = 0; i < 400; ++i) slow.takes(300);
  const auto said = client::parse(slow.received());
  EXPECT_EQ(said.rest, "");
  std::uint32_t answered = 0;
  for (const auto& frame : said.frames) {
    if (frame.type != client::reply) continue;
    EXPECT_EQ(frame.id, ++answered);
    EXPECT_EQ(frame.payload, "request " + std::to_string(answered));
  }
  EXPECT_EQ(answered, id);
  EXPECT_GT(shard.shard().counters().messages_dropped, 0U);
}

TEST(DropOldest, AClientThatIsBehindIsStillHeard) {
  TestShard shard(ticking(ListenerProtocol::text, SlowPolicy::drop_oldest));
  auto& slow = shard.connect({.kernel_bytes_max = 300, .client_reads = false});
  shard.advance(10s);
  for (int i = 0; i < 3; ++i) slow.sends("hello\n"), shard.advance(1s);
  EXPECT_FALSE(slow.wire.is_paused());
  slow.ends();
  while (!slow.wire.saw_end()) slow.takes(300);
  EXPECT_EQ(slow.reason(), "peer_closed");
  EXPECT_EQ(slow.log_field("messages_in"), "3");
  std::size_t answered = 0;
  for (std::size_t at = 0; (at = slow.received().find("\nhello\n", at)) != std::string::npos; ++at)
    ++answered;
  EXPECT_EQ(answered, 3U);
}

TEST(DropOldest, WhoAsksAndNeverReadsIsHeldAllTheSame) {
  TestShard shard(ticking(ListenerProtocol::text, SlowPolicy::drop_oldest));
  auto& slow = shard.connect(kTakesNothing);
  shard.advance(10s);
  for (int i = 0; i < 100; ++i) slow.sends(std::string(300, 'y') + "\n"), shard.advance(100ms);
  EXPECT_TRUE(slow.wire.is_paused());
  EXPECT_LE(slow.wire.queued_bytes(), kHard + kSoft);
  EXPECT_LE(shard.shard().queued_memory(), 3 * kHard);
}

TEST(DropOldest, AnEndingStillSaysWhatWasLeft) {
  TestShard shard(ticking(ListenerProtocol::text, SlowPolicy::drop_oldest));
  auto& slow = shard.connect({.kernel_bytes_max = 300, .client_reads = false});
  shard.advance(10s);
  slow.ends();
  while (!slow.wire.saw_end()) slow.takes(300);
  expect_gaps_told(slow.received());
  EXPECT_EQ(slow.reason(), "eof_before_data");
}

}  // namespace
}  // namespace fairlead
