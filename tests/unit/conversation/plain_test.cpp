// Text and len32 sessions: replies, encodings, limits.
#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

std::string gbk(std::string_view utf8) {
  std::string out;
  append_encoded(out, utf8, Encoding::gbk);
  return out;
}

ServerSettings replying(std::string text, Boundary boundary = Boundary::line) {
  ServerSettings settings = settings_for("reply", ListenerProtocol::text, boundary);
  settings.services.front()->text = std::move(text);
  return settings;
}

TEST(TextSession, RepliesEndAsTheirRequestsDid) {
  TestShard shard(replying("ok"));
  auto& client = shard.connect();
  client.sends("a\nb\r\nc").ends();
  EXPECT_EQ(client.received(), "ok\nok\r\nok");
}

TEST(TextSession, AnEmptyLineIsNoMessage) {
  TestShard shard(replying("ok"));
  auto& client = shard.connect();
  client.sends("\n\r\n\na\n");
  EXPECT_EQ(client.received(), "ok\n");
}

TEST(TextSession, ManyRepliesLeaveInOneWrite) {
  TestShard shard(replying("ok"));
  auto& client = shard.connect();
  std::string lines;
  for (int i = 0; i < 50; ++i) lines += "x\n";
  client.sends(lines);
  EXPECT_EQ(client.received().size(), 150U);
  EXPECT_EQ(client.wire.writes(), 1U);
}

TEST(TextSession, AChunkIsADelivery) {
  TestShard shard(replying("ok", Boundary::chunk));
  auto& client = shard.connect();
  client.sends("first").sends("second\n");
  EXPECT_EQ(client.received(), "okok");
}

TEST(TextSession, AutoEndsAMessageAtASilence) {
  TestShard shard(replying("ok", Boundary::automatic));
  auto& client = shard.connect();
  client.sends("hel");
  shard.advance(15ms);
  client.sends("lo");
  shard.advance(19ms);
  EXPECT_EQ(client.received(), "");
  shard.advance(11ms);
  EXPECT_EQ(client.received(), "ok");
  client.sends("line\n");
  EXPECT_EQ(client.received(), "okok\n");
}

TEST(TextSession, BytesThatHaveArrivedUndeliveredEndNoSilence) {
  for (const bool later : {false, true}) {
    TestShard shard(settings_for("reply", ListenerProtocol::text, Boundary::automatic));
    auto& client = shard.connect({.probe_answers_later = later});
    client.sends("one ");
    client.wire.send("message");  // the loop has not come to read it when the timer rings
    shard.in_turn([&] {
      shard.shard().begin_turn(shard.now() + 40ms);
      shard.shard().on_timer();
    });
    EXPECT_EQ(client.received(), "");
    shard.advance(100ms);
    EXPECT_EQ(client.received(), "ok");
  }
}

TEST(TextSession, AClientIsAnsweredInItsOwnEncoding) {
  TestShard shard(replying("好的,收到."));
  auto& speaks_gbk = shard.connect();
  auto& speaks_utf8 = shard.connect();
  speaks_gbk.sends(gbk("你好,世界!!!") + "\n");
  speaks_utf8.sends("你好,世界!!!\n");
  EXPECT_EQ(speaks_gbk.received(), gbk("好的,收到.") + "\n");
  EXPECT_EQ(speaks_utf8.received(), "好的,收到.\n");
}

TEST(TextSession, TheTieHoldsUntilTheClientHasDecided) {
  ServerSettings settings = replying("好的,已经收到!~");
  settings.services.front()->encoding.encode_tie = Encoding::gbk;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends("ascii\n");
  EXPECT_EQ(client.news(), "\xba\xc3\xb5\xc4\x2c\xd2\xd1\xbe\xad\xca\xd5\xb5\xbd\x21\x7e\n");
  client.sends("好\n");  // three bytes: UTF-8 and nothing else
  EXPECT_EQ(client.news(), "好的,已经收到!~\n");
}

TEST(TextSession, AFixedEncodingIsNotAskedOfTheClient) {
  ServerSettings settings = replying("好");
  settings.services.front()->encoding.encode = Encoding::gbk;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends("好的,世界\n");
  EXPECT_EQ(client.received(), gbk("好") + "\n");
}

TEST(TextSession, PlaceholdersAreFilledIn) {
  TestShard shard(replying("{text}|{len}|{ip}|{port}|{peer}|{id}"));
  auto& client = shard.connect();
  client.sends(gbk("哈哈,打不过我吧") + "\n");
  EXPECT_EQ(client.received(),
            gbk("哈哈,打不过我吧") + "|15|127.0.0.1|40001|('127.0.0.1', 40001)|1\n");
}

TEST(TextSession, CloseAfterEndsItWithExactlySoManyReplies) {
  ServerSettings settings = replying("ok");
  settings.services.front()->close_after = 2;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends("a\nb\nc\n");
  EXPECT_EQ(client.received(), "ok\nok\n");
  EXPECT_TRUE(client.wire.saw_end());
  client.ends();
  EXPECT_EQ(client.reason(), "close_after");
}

TEST(TextSession, ALineAboveTheLimitIsToldInWords) {
  ServerSettings settings = replying("ok");
  settings.limits.max_message = 10;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends("fits\r\n" + std::string(12, 'x'));
  EXPECT_EQ(client.received(),
            "ok\r\nerror: message_too_big: the message is above the size limit\n");
  EXPECT_TRUE(client.wire.saw_end());
  client.ends();
  EXPECT_EQ(client.reason(), "message_too_big");
}

TEST(TextSession, ALineAboveTheListenersOwnLimitIsToldInWords) {
  ServerSettings settings = replying("ok");
  settings.listeners.front()->max_message = 10;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends("fits\r\n" + std::string(12, 'x'));
  EXPECT_TRUE(client.received().starts_with("ok\r\nerror: message_too_big: "));
}

TEST(Len32Session, AnswersInKind) {
  TestShard shard(settings_for("echo", ListenerProtocol::len32));
  auto& client = shard.connect();
  client.sends(client::len32("one") + client::len32("") + client::len32("two\n"));
  EXPECT_EQ(client.received(), client::len32("one") + client::len32("") + client::len32("two\n"));
}

TEST(Len32Session, ALengthAboveTheLimitIsRefusedByItself) {
  ServerSettings settings = settings_for("echo", ListenerProtocol::len32);
  settings.limits.max_message = 10;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends(client::number(11, 4));
  EXPECT_EQ(client.received(),
            client::len32("error: message_too_big: the message is above the size limit"));
  client.ends();
  EXPECT_EQ(client.reason(), "message_too_big");
}

TEST(Len32Session, ALengthThatLiesCostsNoMemory) {
  TestShard shard(settings_for("echo", ListenerProtocol::len32));
  auto& client = shard.connect();
  client.sends(client::number(1024 * 1024, 4) + "x");
  EXPECT_LE(shard.shard().pool().bytes_in_use(), 256U);
}

TEST(Len32Session, AGbkClientIsAnsweredInGbk) {
  ServerSettings settings = settings_for("reply", ListenerProtocol::len32);
  settings.services.front()->text = "好的";
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends(client::len32(gbk("你好,世界")));
  EXPECT_EQ(client.received(), client::len32(gbk("好的")));
}

}  // namespace
}  // namespace fairlead
