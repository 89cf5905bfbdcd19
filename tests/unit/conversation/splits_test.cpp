// The same stream in any pieces comes to the same messages, replies and close reason; where the
// protocol is made of deliveries and silences, the same script of bytes and times does.
#include <gtest/gtest.h>

#include <random>

#include "common/text/encoding.hpp"
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

// What one client's stream came to, with its end behind it.
struct Outcome {
  std::vector<std::string> messages;
  std::string replies;
  std::string reason;

  bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << outcome.reason << ", " << outcome.messages.size() << " messages, "
       << outcome.replies.size() << " bytes of replies";
}

struct Case {
  const char* name;
  ListenerProtocol protocol;
  std::string stream;
  CloseReason reason;
};

ServerSettings settings_of(ListenerProtocol protocol, Boundary boundary) {
  ServerSettings settings = settings_for("reply", protocol, boundary);
  settings.services.front()->text = "好的:{text}";
  settings.services.front()->transcript.on_message = "{len} {text}";
  settings.limits.max_message = 64;
  settings.limits.requests_per_turn = 3;
  return settings;
}

Outcome outcome_of(const Case& one, const std::vector<Bytes>& pieces) {
  TestShard shard(settings_of(one.protocol, Boundary::line));
  auto& client = shard.connect();
  client.sends_pieces(pieces).ends();
  shard.advance(60s);
  EXPECT_EQ(shard.shard().pool().bytes_in_use(), 0U);
  return {shard.transcript.lines, client.received(), client.reason()};
}

std::vector<Bytes> at_random(Bytes stream, std::mt19937& random) {
  std::vector<Bytes> pieces;
  const std::size_t longest = std::size_t{1} << std::uniform_int_distribution<int>(0, 7)(random);
  while (!stream.empty()) {
    const auto size =
        std::min(stream.size(), std::uniform_int_distribution<std::size_t>(1, longest)(random));
    pieces.push_back(stream.substr(0, size));
    stream.remove_prefix(size);
  }
  return pieces;
}

std::vector<Case> cases() {
  using client::frame;
  using client::request;
  const std::string lines = "one\n\r\n\ntwo\r\n你好,世界!!!\n哈哈哈,打不过我吧!?\r\nand a rest";
  const std::string frames =
      client::kPreface + frame(client::hello, 0, 0, std::string("\0\1\0", 3)) + request(1, "one") +
      frame(client::open, 7, 2, "reply") + request(3, "你好", 7) + frame(0x99, 1, 1, "skipped") +
      frame(client::ping, 0, 9, "ping") + frame(client::close, 7, 0) + request(4, "closed", 7) +
      request(5, "");
  return {
      {"lines", ListenerProtocol::text, lines, CloseReason::peer_closed},
      {"lines, detected", ListenerProtocol::automatic, lines, CloseReason::peer_closed},
      {"lines, almost framed", ListenerProtocol::automatic,
       "\xff"
       "FLx\nnext\n",
       CloseReason::peer_closed},
      {"lines in GBK", ListenerProtocol::text, gbk(lines), CloseReason::peer_closed},
      {"a line too long", ListenerProtocol::text, "fits\n" + std::string(66, 'x') + "\nlate\n",
       CloseReason::message_too_big},
      {"a line that just fits", ListenerProtocol::text, std::string(64, 'x') + "\r\nmore\n",
       CloseReason::peer_closed},
      {"len32", ListenerProtocol::len32,
       client::len32("one") + client::len32("") + client::len32("你好,世界") + "\0",
       CloseReason::peer_closed},
      {"len32, detected", ListenerProtocol::automatic,
       client::len32("one") + client::len32(gbk("你好,世界")), CloseReason::peer_closed},
      {"len32 too big", ListenerProtocol::len32,
       client::len32("one") + client::number(65, 4) + "xxxx", CloseReason::message_too_big},
      {"framed", ListenerProtocol::framed, frames, CloseReason::peer_closed},
      {"framed, detected", ListenerProtocol::automatic, frames, CloseReason::peer_closed},
      {"framed, bad type", ListenerProtocol::framed,
       frames + frame(0x30, 0, 0) + request(9, "late"), CloseReason::protocol_error},
      {"framed, bad id", ListenerProtocol::automatic,
       frames + request(5, "again") + request(9, "late"), CloseReason::protocol_error},
      {"framed, closed by the client", ListenerProtocol::framed,
       frames + frame(client::close, 0, 0) + "whatever", CloseReason::peer_closed},
      {"TLS", ListenerProtocol::automatic, "\x16\x03\x01 hello", CloseReason::protocol_error},
  };
}

TEST(Splits, EverySplitInTwoComesToTheSame) {
  for (const Case& one : cases()) {
    const Outcome whole = outcome_of(one, {one.stream});
    EXPECT_EQ(whole.reason, name_of(one.reason)) << one.name;
    for (std::size_t cut = 1; cut < one.stream.size(); ++cut) {
      const Bytes stream = one.stream;
      EXPECT_EQ(outcome_of(one, {stream.substr(0, cut), stream.substr(cut)}), whole)
          << one.name << ", cut at " << cut;
    }
  }
}

TEST(Splits, ByteByByteComesToTheSame) {
  for (const Case& one : cases()) {
    std::vector<Bytes> pieces;
    for (std::size_t i = 0; i < one.stream.size(); ++i)
      pieces.push_back(Bytes(one.stream).substr(i, 1));
    EXPECT_EQ(outcome_of(one, pieces), outcome_of(one, {one.stream})) << one.name;
  }
}

TEST(Splits, AThousandRandomSplitsComeToTheSame) {
  for (const Case& one : cases()) {
    const Outcome whole = outcome_of(one, {one.stream});
    for (unsigned seed = 1; seed <= 1000; ++seed) {
      std::mt19937 random(seed);
      ASSERT_EQ(outcome_of(one, at_random(one.stream, random)), whole)
          << one.name << ", seed " << seed;
    }
  }
}

// ---- chunk and auto

struct Step {
  std::string bytes;
  Duration wait;
};

struct Played {
  std::vector<std::string> messages;
  std::uint64_t turns;
  bool operator==(const Played&) const = default;
};

// Through an echo, whose transcript shows each message as it is delivered.
Played play(Boundary boundary, std::uint32_t chunk, const std::vector<Step>& script) {
  ServerSettings settings = settings_for("echo", ListenerProtocol::text, boundary);
  settings.services.front()->text_rules.chunk = chunk;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  Played played{};
  shard.after_turn = [&] {
    if (auto news = client.news(); !news.empty()) played.messages.push_back(std::move(news));
  };
  shard.settings().limits.requests_per_turn = 1;  // so that each message has a turn of its own
  for (const Step& step : script) {
    client.sends(step.bytes);
    shard.advance(step.wait);
  }
  client.ends();
  played.turns = shard.turns();
  return played;
}

std::string together(const std::vector<std::string>& messages) {
  std::string all;
  for (const auto& message : messages) all += message;
  return all;
}

TEST(Scripts, TheSameBytesAndTimesGiveTheSameEveryTime) {
  const std::vector<Step> script{{"hel", 5ms},       {"lo", 19ms},       {" world", 40ms},
                                 {"a\nb\r\nc", 0ms}, {"d", 40ms},        {"\xe4\xbd", 5ms},
                                 {"\xa0", 50ms},     {"\xe4\xbd", 50ms}, {"\xa0!", 1ms}};
  for (const Boundary boundary : {Boundary::chunk, Boundary::automatic}) {
    const Played first = play(boundary, 8, script);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(play(boundary, 8, script), first);
  }
  EXPECT_EQ(play(Boundary::automatic, 1024, script).messages,
            (std::vector<std::string>{"hello world", "a\n", "b\r\n", "cd", "\xe4\xbd\xa0",
                                      "\xe4\xbd", "\xa0!"}));
}

TEST(Scripts, AtEverySplitTheMessagesAreTheStreamAndNoCharacterIsTorn) {
  constexpr std::uint32_t kChunk = 8;
  const std::string utf8 = "你好,世界!!! abc 哈哈哈,打不过我吧!? 𠮷野家 end";
  for (const std::string& stream : {utf8, gbk("你好,世界!!! abc 好的,已经收到 end")}) {
    const bool is_gbk = !is_utf8(stream);
    for (const Boundary boundary : {Boundary::chunk, Boundary::automatic}) {
      for (std::size_t cut = 0; cut < stream.size(); ++cut) {
        const auto played =
            play(boundary, kChunk, {{stream.substr(0, cut), 5ms}, {stream.substr(cut), 50ms}});
        EXPECT_EQ(together(played.messages), stream) << cut;
        for (const std::string& message : played.messages) {
          EXPECT_LE(message.size(), kChunk) << cut;
          EXPECT_TRUE(is_gbk ? is_gb18030(message) : is_utf8(message)) << cut << " " << message;
        }
      }
    }
  }
}

}  // namespace
}  // namespace fairlead
