// Which protocol a client speaks, and how the detector hands over.
#include "server/conversation/detector.hpp"

#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

const std::string kTlsAlert("\x15\x03\x03\x00\x02\x02\x28", 7);

ServerSettings automatic() {
  return settings_for("echo", ListenerProtocol::automatic, Boundary::automatic);
}

TEST(ProtocolDetector, KeepsWhatIsUndecidedAtEverySplit) {
  struct {
    Bytes stream;
    Detected protocol;
    std::size_t decided_at;  // bytes
  } const kRows[] = {{"hello", Detected::text, 1},
                     {Bytes("\0\0\0\5", 4), Detected::len32, 1},
                     {"\xff"
                      "FLD",
                      Detected::framed, 4},
                     {"\xff"
                      "FLx",
                      Detected::text, 4},
                     {"\xff"
                      "Fx",
                      Detected::text, 3},
                     {"\x16\x03\x01", Detected::tls, 2},
                     {"\x16x", Detected::text, 2}};
  for (const auto& row : kRows) {
    for (std::size_t first = 1; first <= row.stream.size(); ++first) {
      ProtocolDetector detector;
      const Detected at_first = detector.feed(row.stream.substr(0, first));
      if (first >= row.decided_at) {
        EXPECT_EQ(row.protocol, at_first) << row.stream;
        EXPECT_EQ("", detector.prefix());
        continue;
      }
      EXPECT_EQ(Detected::undecided, at_first) << row.stream;
      EXPECT_EQ(row.stream.substr(0, first), detector.prefix());
      EXPECT_EQ(row.protocol, detector.feed(row.stream.substr(first))) << row.stream;
      EXPECT_EQ(row.stream.substr(0, first), detector.prefix()) << "to be joined with the rest";
    }
  }
}

TEST(Detection, EveryFirstByteButFourIsTextAtOnce) {
  for (int byte = 1; byte < 256; ++byte) {
    if (byte == 0x16 || byte == 0xff) continue;
    TestShard shard(automatic());
    auto& client = shard.connect();
    const std::string line = std::string(1, static_cast<char>(byte)) + "x\n";
    client.sends(line);
    // A line that holds nothing is no message.
    EXPECT_EQ(client.received(), byte == '\n' ? "x\n" : line) << byte;
  }
}

TEST(Detection, AZeroByteIsLen32AtOnce) {
  TestShard shard(automatic());
  auto& client = shard.connect();
  client.sends(Bytes("\0", 1));
  EXPECT_EQ(shard.shard().census().len32, 1U);
  client.sends(Bytes("\0\0\2ok", 5));
  EXPECT_EQ(client.received(), client::len32("ok"));
}

TEST(Detection, ThePrefaceIsFramedAtItsFourthByte) {
  TestShard shard(automatic());
  auto& client = shard.connect();
  client.sends("\xff").sends("F").sends("L");
  EXPECT_EQ(shard.shard().census().undecided, 1U);
  client.sends("D");
  EXPECT_EQ(shard.shard().census().framed, 1U);
  EXPECT_EQ(client.received().substr(0, 8), client::kPreface);
}

TEST(Detection, TlsIsToldInItsOwnLanguage) {
  for (const bool split : {false, true}) {
    TestShard shard(automatic());
    auto& client = shard.connect();
    if (split) client.sends("\x16");
    client.sends(split ? "\x03\x01" : "\x16\x03\x01");
    EXPECT_EQ(client.received(), kTlsAlert);
    EXPECT_TRUE(client.wire.saw_end());
    client.ends();
    EXPECT_EQ(client.reason(), "protocol_error");
  }
}

TEST(Detection, AnUndecidedPrefixBecomesTextAfterThePauseWithNoByteLost) {
  for (const std::string prefix : {"\xff", "\xff\x46", "\xff\x46\x4c", "\x16"}) {
    TestShard shard(automatic());
    auto& client = shard.connect();
    client.sends(prefix);
    shard.advance(19ms);
    EXPECT_EQ(shard.shard().census().undecided, 1U);
    EXPECT_EQ(client.received(), "");
    shard.advance(11ms);
    EXPECT_EQ(shard.shard().census().text, 1U);
    EXPECT_EQ(client.received(), prefix) << "the same silence ends the message";
    client.sends("more\n");
    EXPECT_EQ(client.received(), prefix + "more\n");
  }
}

TEST(Detection, APrefixThatGoesOnAsTextIsOneMessageWithIt) {
  for (const std::string text :
       {"\xff\xfe one\n", "\xff\x46 two\n", "\xff\x46Lx\n", "\x16\x04\n"}) {
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      TestShard shard(automatic());
      auto& client = shard.connect();
      client.sends(Bytes(text).substr(0, cut)).sends(Bytes(text).substr(cut));
      EXPECT_EQ(client.received(), text) << "cut at " << cut;
    }
  }
}

TEST(Detection, AnUndecidedPrefixBecomesTextAtTheEndOfTheStream) {
  TestShard shard(automatic());
  auto& client = shard.connect();
  client.sends("\xff\x46").ends();
  EXPECT_EQ(client.received(), "\xff\x46");
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_EQ(client.reason(), "peer_closed");
}

TEST(Detection, BytesThatWaitInTheKernelEndNoPause) {
  TestShard shard(automatic());
  auto& client = shard.connect();
  client.sends("\xff");
  shard.advance(15ms);
  // Arrives in the very moment in which the pause is over: the probe must find it.
  client.wire.send("FLD\x01");
  client.wire.conditions.read_bytes_max = 1;
  shard.advance(10ms);
  EXPECT_EQ(shard.shard().census().framed, 1U);
}

TEST(Detection, AnEndWithoutAByteIsEofBeforeData) {
  TestShard shard(automatic());
  auto& client = shard.connect();
  client.ends();
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_EQ(client.reason(), "eof_before_data");
  EXPECT_EQ(client.log_field("protocol"), "undecided");
}

TEST(Detection, AFramedListenerTakesNothingElse) {
  for (const std::string& bytes :
       {std::string("hello\n"), std::string("\0\0\0\1x", 5), std::string("\x16\x03\x01"),
        std::string("\xff"
                    "FLx")}) {
    TestShard shard(settings_for("echo", ListenerProtocol::framed));
    auto& client = shard.connect();
    client.sends(bytes);
    EXPECT_EQ(client.received(), "");
    EXPECT_TRUE(client.wire.saw_end());
    client.ends();
    EXPECT_EQ(client.reason(), "protocol_error");
  }
}

TEST(Detection, AFramedListenerWaitsForThePrefaceLongerThanAPause) {
  TestShard shard(settings_for("echo", ListenerProtocol::framed));
  auto& client = shard.connect();
  client.sends(
      "\xff"
      "FL");
  shard.advance(1s);
  client.sends(client::kPreface.substr(3));
  EXPECT_EQ(client.received().substr(0, 8), client::kPreface);
}

TEST(Detection, ALen32ListenerReadsEveryFirstByteAsALength) {
  TestShard shard(settings_for("echo", ListenerProtocol::len32));
  auto& client = shard.connect();
  client.sends(client::len32("one"));
  EXPECT_EQ(client.received(), client::len32("one"));
  client.sends(
      "\xff"
      "FLD");
  client.ends();
  EXPECT_EQ(client.reason(), "message_too_big");
}

TEST(Detection, ATextListenerDetectsNothing) {
  for (const std::string& line : {std::string("\0\0\0\1x\n", 6), std::string("\x16\x03\x01\n"),
                                  std::string("\xff"
                                              "FLD\n")}) {
    TestShard shard(settings_for("echo", ListenerProtocol::text));
    auto& client = shard.connect();
    client.sends(line);
    EXPECT_EQ(client.received(), line);
  }
}

TEST(Detection, PlainClientsOfAListenerWithoutAServiceAreSentAway) {
  ServerSettings settings = default_settings();
  const ServiceSettings& echo = add_service(settings, "echo", "echo");
  add_listener(settings, ListenerProtocol::automatic, nullptr).offered_services = {echo.name};
  TestShard shard(std::move(settings));
  auto& plain = shard.connect();
  plain.sends("hello\n").ends();
  EXPECT_EQ(plain.received(), "");
  EXPECT_EQ(plain.reason(), "protocol_error");

  auto& framed = shard.connect();
  framed.sends(client::kPreface + client::frame(client::open, 1, 1, "echo") +
               client::request(2, "hi", 1));
  const auto said = client::parse(framed.received());
  ASSERT_EQ(said.frames.size(), 3U);
  EXPECT_EQ(said.frames[2].payload, "hi");
}

}  // namespace
}  // namespace fairlead
