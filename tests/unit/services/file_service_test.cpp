#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

ServerSettings downloads(ListenerProtocol protocol = ListenerProtocol::text) {
  ServerSettings settings = settings_for("file", protocol, Boundary::chunk);
  settings.services.front()->transcript.on_missing = "no download file:{text}";
  return settings;
}

std::string pattern(std::size_t bytes) {
  std::string content;
  for (std::size_t i = 0; i < bytes; ++i) content += static_cast<char>(i * 31 + i / 251);
  return content;
}

TEST(FileService, SendsTheWholeFileAndThenTheEnd) {
  TestShard shard(downloads());
  const std::string content = pattern(10'000);
  shard.files.add("接收.bin", content);
  auto& client = shard.connect();
  client.sends("接收.bin");
  EXPECT_EQ(client.received(), content);
  EXPECT_TRUE(client.wire.saw_end());
  client.ends();
  EXPECT_EQ(client.reason(), "completed");
}

TEST(FileService, UnderstandsANameInGbk) {
  TestShard shard(downloads());
  shard.files.add("接收文件.txt", "content");
  std::string name;
  append_encoded(name, "接收文件.txt", Encoding::gbk);
  auto& client = shard.connect();
  client.sends(name);
  EXPECT_EQ(client.received(), "content");
}

TEST(FileService, AnEmptyFileIsAnEnd) {
  TestShard shard(downloads());
  shard.files.add("empty", "");
  auto& client = shard.connect();
  client.sends("empty");
  EXPECT_TRUE(client.wire.saw_end());
  client.ends();
  EXPECT_EQ(client.reason(), "completed");
}

TEST(FileService, AMissingNameGetsTheEndAtOnceAndALineOnStdout) {
  TestShard shard(downloads());
  auto& client = shard.connect();
  client.sends("no\x1bsuch");
  EXPECT_EQ(client.received(), "");
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_EQ(shard.transcript.lines, (std::vector<std::string>{"no download file:no\\x1bsuch"}));
  client.ends();
  EXPECT_EQ(client.reason(), "no_such_file");
}

TEST(FileService, AFileLargerThanTheQueueGoesInPieces) {
  TestShard shard(downloads());
  shard.settings().limits.queue_soft = 1000;
  const std::string content = pattern(50'000);
  shard.files.add("big", content);
  auto& client = shard.connect({.kernel_bytes_max = 300, .client_reads = false});
  std::size_t queued_max = 0;
  shard.after_turn = [&] { queued_max = std::max(queued_max, client.wire.queued_bytes()); };
  client.sends("big");
  for (int i = 0; i < 400; ++i) client.takes(250);
  EXPECT_EQ(client.received(), content);
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_LE(queued_max, 1000U);
}

TEST(FileService, AHalfClosedClientGetsItsFileToo) {
  TestShard shard(downloads());
  shard.settings().limits.queue_soft = 1000;
  const std::string content = pattern(5'000);
  shard.files.add("big", content);
  auto& client = shard.connect({.kernel_bytes_max = 300, .client_reads = false});
  client.sends("big").ends();
  for (int i = 0; i < 60; ++i) client.takes(250);
  EXPECT_EQ(client.received(), content);
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_EQ(client.reason(), "completed");
}

TEST(FileService, AFileThatBecomesShorterEndsInAReset) {
  TestShard shard(downloads());
  shard.files.add_shrinking("shrinks", pattern(1000), 5000);
  auto& client = shard.connect();
  client.sends("shrinks");
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "file_changed");
}

TEST(FileService, OneThatTakesNothingIsResetInTime) {
  TestShard shard(downloads());
  shard.settings().limits.queue_soft = 1000;
  shard.files.add("big", pattern(50'000));
  auto& client = shard.connect({.kernel_bytes_max = 300, .client_reads = false});
  client.sends("big");
  shard.advance(30s + TimerWheel::kSlot);
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "write_timeout");
}

TEST(FileService, AClientWhoKnowsWhereMessagesEndGetsTheFileAsOne) {
  TestShard shard(downloads(ListenerProtocol::automatic));
  shard.files.add("small", "content");
  auto& len32 = shard.connect();
  len32.sends(client::len32("small") + client::len32("small"));
  EXPECT_EQ(len32.received(), client::len32("content") + client::len32("content"));
}

class FramedDownload : public ::testing::Test {
 protected:
  client::Received answer_to(const std::string& name) {
    auto& client = shard.connect();
    client.sends(client::kPreface + client::request(1, name) + client::request(2, "small"));
    const auto said = client::parse(client.received()).frames;
    EXPECT_EQ(said.size(), 3U);
    if (said.size() != 3) return {};
    EXPECT_EQ(said[2], (client::Received{client::reply, 0, 2, "content"})) << "it goes on";
    return said[1];
  }
  void expect_error(const std::string& name, CloseReason code) {
    const auto said = answer_to(name);
    EXPECT_EQ(said.type, client::error);
    EXPECT_EQ(said.id, 1U);
    EXPECT_EQ(said.code(), static_cast<std::uint64_t>(code));
  }

  FramedDownload() { shard.files.add("small", "content"); }

  TestShard shard{downloads(ListenerProtocol::framed)};
};

TEST_F(FramedDownload, IsOneReply) {
  shard.files.add("one", "whole file");
  EXPECT_EQ(answer_to("one"), (client::Received{client::reply, 0, 1, "whole file"}));
}

TEST_F(FramedDownload, OfAMissingFileIsAnErrorAlone) {
  expect_error("missing", CloseReason::no_such_file);
}

TEST_F(FramedDownload, OfAFileThatIsTooBigIsAnErrorAlone) {
  shard.files.add("huge", std::string(1024 * 1024 + 1, 'x'));
  expect_error("huge", CloseReason::message_too_big);
}

TEST_F(FramedDownload, OfAFileThatBecomesShorterIsAnErrorAlone) {
  shard.files.add_shrinking("shrinks", "half", 100);
  expect_error("shrinks", CloseReason::file_changed);
}

}  // namespace
}  // namespace fairlead
