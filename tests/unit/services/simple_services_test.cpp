// echo, reply, log, discard and greet, through a whole shard.
#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using Lines = std::vector<std::string>;

TEST(Echo, ReturnsEveryByteAsItCame) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  TestShard shard(settings_for("echo", ListenerProtocol::len32));
  auto& client = shard.connect();
  client.sends(client::len32(all));
  EXPECT_EQ(client.received(), client::len32(all));
}

TEST(Reply, AnswersWithItsText) {
  TestShard shard(settings_for("reply", ListenerProtocol::text));
  auto& client = shard.connect();
  client.sends("anything\n");
  EXPECT_EQ(client.received(), "ok\n");
}

TEST(Log, PrintsWhatCameEscapedAndAnswersNothing) {
  TestShard shard(settings_for("log", ListenerProtocol::text));
  auto& client = shard.connect();
  client.sends("plain\n\x1b[2J\x07 bell\n\xc4\xe3\xba\xc3\n");  // 你好 in GBK
  EXPECT_EQ(client.received(), "");
  EXPECT_EQ(shard.transcript.lines, (Lines{"plain", "\\x1b[2J\\x07 bell", "你好"}));
}

TEST(Log, PrintsItsTranscriptLineInstead) {
  ServerSettings settings = settings_for("log", ListenerProtocol::text);
  settings.services.front()->transcript.on_message = "{ip}发来消息>>>{text}";
  TestShard shard(std::move(settings));
  shard.connect().sends("hi\n");
  EXPECT_EQ(shard.transcript.lines, (Lines{"127.0.0.1发来消息>>>hi"}));
}

TEST(Discard, ReadsAndDrops) {
  TestShard shard(settings_for("discard", ListenerProtocol::text));
  auto& client = shard.connect();
  client.sends(std::string(100'000, 'x') + "\n").ends();
  EXPECT_EQ(client.received(), "");
  EXPECT_EQ(client.reason(), "peer_closed");
  EXPECT_EQ(client.log_field("messages_in"), "1");
}

TEST(Greet, SaysItsGreetingAndNothingElse) {
  ServerSettings settings = settings_for("greet", ListenerProtocol::text, Boundary::chunk);
  settings.services.front()->greeting = "成功连接服务器!";
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends("hello?").ends();
  EXPECT_EQ(client.received(), "成功连接服务器!");
  EXPECT_EQ(client.received().size(), 22U);
}

// ---- What the tutorials' servers print (config/seeds.conf)

struct Tutorial {
  const char* type;
  const char* text;
  TranscriptSettings transcript;
  std::uint64_t close_after;
};

TestShard& tutorial_shard(std::unique_ptr<TestShard>& shard, const Tutorial& tutorial) {
  ServerSettings settings = settings_for(tutorial.type, ListenerProtocol::text, Boundary::chunk);
  settings.services.front()->text = tutorial.text;
  settings.services.front()->transcript = tutorial.transcript;
  settings.services.front()->close_after = tutorial.close_after;
  shard = std::make_unique<TestShard>(std::move(settings));
  return *shard;
}

TEST(Transcript, OfTheServerThatIsPrompted) {
  std::unique_ptr<TestShard> owner;
  TestShard& shard = tutorial_shard(
      owner,
      {"reply", "好的,已经收到!~", {"已经连接客户端: {peer}", "收到数据:{text}", "", ""}, 0});
  auto& client = shard.connect();
  EXPECT_EQ(shard.transcript.lines, (Lines{"已经连接客户端: ('127.0.0.1', 40001)"}));
  client.sends("你好,世界!!!").ends();
  EXPECT_EQ(shard.transcript.lines,
            (Lines{"已经连接客户端: ('127.0.0.1', 40001)", "收到数据:你好,世界!!!"}));
}

TEST(Transcript, OfTheServerWithTwoLoops) {
  std::unique_ptr<TestShard> owner;
  TestShard& shard = tutorial_shard(
      owner, {"reply",
              "好的,收到.",
              {"【新客户端来了】: {peer}", "收到客户端信息: {text}", "客户端可能断开连接!", ""},
              0});
  auto& client = shard.connect();
  client.sends("哈哈哈,打不过我吧!?").ends();
  EXPECT_EQ(client.received(), "好的,收到.");
  EXPECT_EQ(shard.transcript.lines,
            (Lines{"【新客户端来了】: ('127.0.0.1', 40001)", "收到客户端信息: 哈哈哈,打不过我吧!?",
                   "客户端可能断开连接!"}));
}

TEST(Transcript, OfTheServerThatPrintsAndHangsUp) {
  std::unique_ptr<TestShard> owner;
  TestShard& shard = tutorial_shard(
      owner, {"log", "", {"", "{ip}发来消息>>>{text}", "{peer}断开了与服务器的连接...", ""}, 1});
  auto& client = shard.connect();
  client.sends("hi");
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_EQ(shard.transcript.lines,
            (Lines{"127.0.0.1发来消息>>>hi", "('127.0.0.1', 40001)断开了与服务器的连接..."}));
}

TEST(Transcript, OfTheServerThatMeasuresCountsBytes) {
  std::unique_ptr<TestShard> owner;
  TestShard& shard =
      tutorial_shard(owner, {"reply",
                             "ok, 问题正在处理中...",
                             {"客户端的ip地址和端口号: {peer}",
                              "接收数据的长度为: {len}\n接收客户端的数据为: {text}", "", ""},
                             1});
  auto& client = shard.connect();
  client.sends("你好服务端,我是客户端小明!").ends();
  EXPECT_EQ(client.received(), "ok, 问题正在处理中...");
  EXPECT_EQ(client.received().size(), 28U);
  EXPECT_EQ(shard.transcript.lines,
            (Lines{"客户端的ip地址和端口号: ('127.0.0.1', 40001)",
                   "接收数据的长度为: 38\n接收客户端的数据为: 你好服务端,我是客户端小明!"}));
}

TEST(Transcript, ShowsNothingOfAPeerThatCouldSteerATerminal) {
  std::unique_ptr<TestShard> owner;
  TestShard& shard = tutorial_shard(owner, {"reply", "hello", {"", "{text}", "", ""}, 0});
  auto& client = shard.connect();
  client.sends("\x1b]0;owned\x07\r\nforged line\x7f\\");
  EXPECT_EQ(shard.transcript.lines, (Lines{"\\x1b]0;owned\\x07\\r\\nforged line\\x7f\\\\"}));
}

TEST(Transcript, ShowsGbkAsText) {
  std::unique_ptr<TestShard> owner;
  TestShard& shard = tutorial_shard(owner, {"reply", "hello", {"", "{text}", "", ""}, 0});
  shard.connect().sends("\xc4\xe3\xba\xc3");
  EXPECT_EQ(shard.transcript.lines, (Lines{"你好"}));
}

}  // namespace
}  // namespace fairlead
