// Time-outs: the reason, and the time within one slot of the wheel.
#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

// The session is alive just before `wait` from now and has begun to end one slot behind it.
void expect_end_after(TestShard& shard, TestClient& client, Duration wait) {
  shard.advance(wait - 1ms);
  EXPECT_FALSE(client.wire.is_over()) << "ended before " << wait.count() << " ms";
  shard.advance(1ms + TimerWheel::kSlot);
  EXPECT_TRUE(client.wire.is_over()) << "still there after " << wait.count() << " ms";
  client.ends();
}

ServerSettings echo_lines() {
  ServerSettings settings = settings_for("echo", ListenerProtocol::text);
  settings.listeners.front()->idle = 10s;
  settings.timeouts.message = 3s;
  settings.timeouts.write = 5s;
  return settings;
}

TEST(Deadline, AnIdleClientIsClosed) {
  TestShard shard(echo_lines());
  auto& client = shard.connect();
  shard.advance(7s);
  client.sends("x\n");
  expect_end_after(shard, client, 10s);
  EXPECT_EQ(client.reason(), "idle_timeout");
  EXPECT_EQ(client.received(), "x\n") << "an end like any other: no line of ours";
}

TEST(Deadline, IdleZeroIsNever) {
  TestShard shard(echo_lines());
  shard.settings().listeners.front()->idle = 0s;
  auto& client = shard.connect();
  shard.advance(24h);
  client.sends("x\n");
  EXPECT_EQ(client.received(), "x\n");
}

TEST(Deadline, ADownloadThatIsIdleIsCutByAReset) {
  ServerSettings settings = settings_for("file", ListenerProtocol::text);
  settings.listeners.front()->idle = 3s;
  TestShard shard(std::move(settings));
  shard.files.add("big", std::string(1'000'000, 'f'));
  auto& client = shard.connect({.kernel_bytes_max = 1000, .client_reads = false});
  client.sends("big\n");
  shard.advance(3s + TimerWheel::kSlot);
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "idle_timeout");
}

TEST(Deadline, AFramedClientIsToldOfItsTimeOut) {
  ServerSettings settings = settings_for("echo", ListenerProtocol::framed);
  settings.listeners.front()->idle = 10s;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends(client::kPreface);
  expect_end_after(shard, client, 10s);
  const auto said = client::parse(client.received()).frames;
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[1].type, client::error);
  EXPECT_EQ(said[1].code(), static_cast<std::uint64_t>(CloseReason::idle_timeout));
}

TEST(Deadline, AClientThatSaysNothingAtFirstIsClosed) {
  TestShard shard(echo_lines());
  shard.settings().timeouts.first_byte = 2s;
  auto& silent = shard.connect();
  auto& speaking = shard.connect();
  speaking.sends("x");
  shard.settings().timeouts.message = 0s;
  expect_end_after(shard, silent, 2s);
  EXPECT_EQ(silent.reason(), "first_byte_timeout");
  EXPECT_FALSE(speaking.wire.is_over());
}

TEST(Deadline, AMessageMustBeFinishedInTimeHoweverItDrips) {
  TestShard shard(echo_lines());
  auto& client = shard.connect();
  client.sends("d");
  for (int i = 0; i < 2; ++i) shard.advance(1s), client.sends("drip");
  expect_end_after(shard, client, 1s);
  EXPECT_EQ(client.reason(), "message_timeout");
  EXPECT_EQ(client.received(), "");
}

TEST(Deadline, EachMessageHasItsOwnTime) {
  TestShard shard(echo_lines());
  auto& client = shard.connect();
  client.sends("a");
  for (int i = 0; i < 20; ++i) shard.advance(2s), client.sends("b\na");
  EXPECT_FALSE(client.wire.is_over());
  expect_end_after(shard, client, 3s);
  EXPECT_EQ(client.reason(), "message_timeout");
}

TEST(Deadline, EachFrameHasItsOwnTimeAlsoThoseThatAreNoRequests) {
  ServerSettings settings = settings_for("echo", ListenerProtocol::framed);
  settings.timeouts.message = 3s;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  const std::string ping = client::frame(client::ping, 0, 0, "12345678");
  client.sends(client::kPreface + ping.substr(0, 7));
  for (int i = 0; i < 10; ++i) shard.advance(2s), client.sends(ping.substr(7) + ping.substr(0, 7));
  EXPECT_FALSE(client.wire.is_over());
  EXPECT_EQ(client::parse(client.received()).frames.size(), 11U);
}

TEST(Deadline, AFrameThatIsSkippedHasItsTimeTooHoweverItDrips) {
  ServerSettings settings = settings_for("echo", ListenerProtocol::framed);
  settings.timeouts.message = 3s;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends(client::kPreface + client::frame(0x80, 0, 0, std::string(1000, 's')).substr(0, 100));
  for (int i = 0; i < 2; ++i) shard.advance(1s), client.sends("drip");
  expect_end_after(shard, client, 1s);
  EXPECT_EQ(client.reason(), "message_timeout");
}

TEST(Deadline, EachFrameThatIsSkippedHasItsOwnTime) {
  ServerSettings settings = settings_for("echo", ListenerProtocol::framed);
  settings.timeouts.message = 3s;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  const std::string skipped = client::frame(0x80, 0, 0, "12345678");
  client.sends(client::kPreface + skipped.substr(0, 15));
  for (int i = 0; i < 5; ++i) {
    shard.advance(2s);
    client.sends(skipped.substr(15) + skipped.substr(0, 15));
  }
  client.sends(skipped.substr(15));
  shard.advance(10s);
  EXPECT_FALSE(client.wire.is_over()) << "nothing is begun";
}

TEST(Deadline, AnUndecidedPrefixIsAMessageBegun) {
  ServerSettings settings = settings_for("echo", ListenerProtocol::framed);
  settings.timeouts.message = 3s;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  shard.advance(1s);
  client.sends("\xff");
  expect_end_after(shard, client, 3s);
  EXPECT_EQ(client.reason(), "message_timeout");
}

TEST(Deadline, TheTimeInWhichAClientIsNotReadFromIsNotItsOwn) {
  TestShard shard(echo_lines());
  shard.settings().limits.queue_soft = 100;
  auto& client = shard.connect({.kernel_bytes_max = 100, .client_reads = false});
  client.sends(std::string(300, 'x') + "\nbegun");
  for (int i = 0; i < 2; ++i) shard.advance(4s), client.takes(100);
  shard.advance(1s);
  client.sends(" and finished\n");
  for (int i = 0; i < 4; ++i) client.takes(1000);
  EXPECT_EQ(client.received(), std::string(300, 'x') + "\nbegun and finished\n");
}

TEST(Deadline, AClientThatTakesNothingIsResetAfterTheWriteTimeOut) {
  TestShard shard(echo_lines());
  auto& client = shard.connect({.kernel_bytes_max = 10, .client_reads = false});
  client.sends("0123456789abcdef\n");
  shard.advance(3s);
  client.takes(2);
  shard.advance(4990ms);
  EXPECT_FALSE(client.wire.saw_reset());
  shard.advance(20ms);
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "write_timeout");
}

TEST(Deadline, TheWriteTimeOutAlsoBoundsAnEnding) {
  TestShard shard(echo_lines());
  auto& client = shard.connect({.kernel_bytes_max = 10, .client_reads = false});
  client.sends("0123456789abcdef\n").ends();
  shard.advance(5s + TimerWheel::kSlot);
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "peer_closed") << "the first reason stands";
}

TEST(Deadline, AnIdleShardSleepsASecondAtATime) {
  TestShard shard(echo_lines());
  shard.settings().listeners.front()->idle = 600s;
  shard.connect().sends("x\n");
  const std::uint64_t before = shard.turns();
  shard.advance(599s);
  EXPECT_LT(shard.turns() - before, 609U);
}

}  // namespace
}  // namespace fairlead
