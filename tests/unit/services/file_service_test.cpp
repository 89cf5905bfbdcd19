#include <gtest/gtest.h>

#include "common/protocol/limits.hpp"
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

// What the kernel does not take, at most: nothing, or one frame where the daemon has to read the
// file itself.
TEST(FileService, OfASlowDownloadOnePieceIsKept) {
  for (const bool lends : {true, false}) {
    TestShard shard(downloads());
    const std::string content = pattern(500'000);
    shard.files.add("big", content);
    shard.files.lends = lends;
    auto& client = shard.connect({.kernel_bytes_max = 3000, .client_reads = false});
    std::size_t queued_max = 0;
    shard.after_turn = [&] { queued_max = std::max(queued_max, client.queued_bytes()); };
    client.sends("big");
    for (int i = 0; i < 400; ++i) client.takes(2500);
    EXPECT_EQ(client.received(), content);
    EXPECT_TRUE(client.wire.saw_end());
    EXPECT_LE(queued_max, lends ? 0 : kOfferedFrameBytes);
  }
}

TEST(FileService, WhatTheKernelCanSendItselfIsNotRead) {
  TestShard shard(downloads());
  const std::string content = pattern(600'000);
  shard.files.add("big", content);
  auto& client = shard.connect();
  client.sends("big");
  EXPECT_EQ(client.received(), content);
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_EQ(shard.files.pieces_read, 0U);
}

TEST(FileService, WhatIsNotInMemoryIsReadAheadAndThenSentByTheKernel) {
  TestShard shard(downloads());
  const std::string content = pattern(600'000);
  shard.files.add("big", content);
  shard.files.chill("big", 100'000);
  auto& client = shard.connect();
  client.sends("big");
  EXPECT_EQ(client.received(), content);
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_EQ(shard.files.works, 1U + 6U) << "to open it, and to read ahead";
  EXPECT_EQ(shard.files.pieces_read, 6U) << "each time nothing was there";
}

TEST(FileService, AHalfClosedClientGetsItsFileToo) {
  TestShard shard(downloads());
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

TEST(FileService, OneThatBecomesShorterWhileTheKernelSendsItToo) {
  TestShard shard(downloads());
  shard.files.add("big", pattern(50'000));
  auto& client = shard.connect({.kernel_bytes_max = 3000, .client_reads = false});
  client.sends("big");
  client.takes(2500);
  shard.files.change("big", pattern(5'000));
  for (int i = 0; i < 10; ++i) client.takes(2500);
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "file_changed");
}

TEST(FileService, OneThatTakesNothingIsResetInTime) {
  TestShard shard(downloads());
  shard.files.add("big", pattern(50'000));
  auto& client = shard.connect({.kernel_bytes_max = 300, .client_reads = false});
  client.sends("big");
  shard.advance(30s + TimerWheel::kSlot);
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "write_timeout");
}

// The kernel may hold so much that no room comes of what a slow reader takes: what it takes counts.
TEST(FileService, ASlowReaderForWhomThereIsNoRoomIsWaitedFor) {
  ServerSettings settings = downloads();
  settings.listeners.front()->idle = 20s;
  TestShard shard(std::move(settings));
  shard.files.add("big", pattern(500'000));
  auto& client = shard.connect(
      {.kernel_bytes_max = 490'000, .client_reads = false, .room_bytes_min = 400'000});
  client.sends("big");
  for (int i = 0; i < 10; ++i) client.takes(16 * 1024), shard.advance(15s);
  EXPECT_FALSE(client.wire.is_over());
  EXPECT_EQ(client.wire.sent_bytes(), 490'000U) << "there was no room";
  for (int i = 0; i < 31; ++i) client.takes(500), shard.advance(1s);
  EXPECT_TRUE(client.wire.saw_reset()) << "drops are nothing";
}

// All of the file is with the kernel, and the client takes it slowly.
TestClient& lingering_client(TestShard& shard) {
  shard.files.add("big", pattern(50'000));
  auto& client = shard.connect({.client_reads = false});
  client.sends("big");
  return client;
}

TEST(FileService, NoClientIsLeftWhileItTakesTheEndOfAFile) {
  TestShard shard(downloads());
  auto& client = lingering_client(shard);
  for (int i = 0; i < 20; ++i) client.takes(1), shard.advance(1s);
  EXPECT_EQ(shard.shard().connections(), 1U);
  shard.advance(2s + TimerWheel::kSlot);
  EXPECT_EQ(client.reason(), "completed");
  EXPECT_EQ(shard.shard().connections(), 0U);
}

TEST(FileService, ALingeringEndsHoweverSlowlyTheFileIsTaken) {
  TestShard shard(downloads());
  auto& client = lingering_client(shard);
  for (int i = 0; i < 30; ++i) client.takes(1), shard.advance(1s);
  shard.advance(TimerWheel::kSlot);
  EXPECT_EQ(client.reason(), "completed");
  EXPECT_EQ(shard.shard().connections(), 0U);
}

TEST(FileService, AClientWhoKnowsWhereMessagesEndGetsTheFileAsOne) {
  TestShard shard(downloads(ListenerProtocol::automatic));
  shard.files.add("small", "content");
  auto& len32 = shard.connect();
  len32.sends(client::len32("small") + client::len32("small"));
  EXPECT_EQ(len32.received(), client::len32("content") + client::len32("content"));
}

TEST(FileService, OneDownloadTooManyIsReset) {
  TestShard shard(downloads());
  shard.files.add("empty", "");
  shard.files.downloads_max = 0;
  auto& client = shard.connect();
  client.sends("empty");
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "server_full");
}

TEST(FileService, WhoWaitsForTheDiskIsNeverGivenAnEndForAnEmptyFile) {
  for (const bool evicted : {true, false}) {
    TestShard shard(downloads());
    shard.files.add("file", "content");
    shard.files.answers_at_once = false;
    auto& client = shard.connect();
    client.sends("file");
    if (evicted) {
      shard.evict_all();
      EXPECT_TRUE(client.wire.saw_reset());
      EXPECT_EQ(shard.files.waiting(), 0U);
    } else {
      client.ends();
      shard.in_turn([&shard] { shard.files.answer(0); });
      EXPECT_EQ(client.received(), "content");
      EXPECT_TRUE(client.wire.saw_end());
    }
  }
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
