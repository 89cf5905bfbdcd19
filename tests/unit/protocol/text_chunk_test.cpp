#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/protocol/text_client.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Thirteen characters of three bytes in UTF-8, of two in GBK.
const std::string kText = "我是客户端小明你好服务端好";

TextOptions chunks(std::uint32_t chunk, std::optional<Encoding> decode = {}) {
  return {
      .boundary = Boundary::chunk, .chunk = chunk, .encoding = {.decode = decode, .encode = {}}};
}

TEST(TextChunk, EachDeliveryIsAMessage) {
  TextClient client(chunks(1024));
  EXPECT_THAT(client.feed("hello\nworld\r\n"), ElementsAre(said("hello\nworld\r\n")));
  EXPECT_THAT(client.feed("\n"), ElementsAre(said("\n")));
  EXPECT_FALSE(client.codec().mid_message());
  EXPECT_THAT(client.end(), IsEmpty());
}

TEST(TextChunk, ALongDeliveryIsCutIntoPieces) {
  TextClient client(chunks(4));
  EXPECT_THAT(client.feed("abcdefghi"), ElementsAre(said("abcd"), said("efgh"), said("i")));
}

TEST(TextChunk, HoldsAnUnfinishedCharacterBackUntilItsRestComes) {
  TextClient client(chunks(1024));
  EXPECT_THAT(client.feed("好\xe7"), ElementsAre(said("好")));
  EXPECT_TRUE(client.codec().awaits_pause());
  EXPECT_THAT(client.feed("\x9a"), IsEmpty());
  EXPECT_THAT(client.feed("\x84!"), ElementsAre(said("的!")));
  EXPECT_FALSE(client.codec().awaits_pause());
}

TEST(TextChunk, HoldsAnUnfinishedCharacterNoLongerThanThePause) {
  TextClient client(chunks(1024));
  client.feed("好\xe7\x9a");
  EXPECT_THAT(client.pause(), ElementsAre(said("\xe7\x9a")));
  TextClient ended(chunks(1024));
  ended.feed("好\xe7\x9a");
  EXPECT_THAT(ended.end(), ElementsAre(said("\xe7\x9a")));
}

TEST(TextChunk, HoldsHalfAGbkCharacter) {
  TextClient client(chunks(1024));
  const std::string text = gbk("好的,收到.");
  EXPECT_THAT(client.feed(Bytes(text).substr(0, 3)), ElementsAre(said(gbk("好"))));
  EXPECT_THAT(client.feed(Bytes(text).substr(3)), ElementsAre(said(gbk("的,收到."))));
}

// Every cut between two deliveries, under every small chunk: no byte is lost, no piece is too long,
// and every piece is made of whole characters.
void expect_whole_pieces(const std::string& text, std::optional<Encoding> decode,
                         bool (*is_whole)(Bytes)) {
  for (std::uint32_t chunk = 4; chunk <= 16; ++chunk) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      TextClient client(chunks(chunk, decode));
      const Decoded decoded = client.decode({Bytes(text).substr(0, cut), Bytes(text).substr(cut)});
      ASSERT_EQ(joined(decoded.heard), text);
      for (const Heard& heard : decoded.heard) {
        ASSERT_FALSE(heard.payload.empty());
        ASSERT_LE(heard.payload.size(), chunk);
        ASSERT_TRUE(is_whole(heard.payload)) << "chunk " << chunk << ", cut " << cut;
      }
    }
  }
}

TEST(TextChunk, NeverTearsACharacter) {
  expect_whole_pieces(kText, {}, is_utf8);
  expect_whole_pieces(kText, Encoding::utf8, is_utf8);
  expect_whole_pieces(gbk(kText), {}, is_gb18030);
  expect_whole_pieces(gbk(kText), Encoding::gbk, is_gb18030);
  expect_whole_pieces("mixed: " + kText + ", и, 😀😀!", Encoding::utf8, is_utf8);
}

// What waited while the session was paused may be long; the end excuses no cut within it.
TEST(TextChunk, NeverTearsACharacterOfWhatWasKept) {
  TextClient client(chunks(5));
  client.codec().keep(kText);
  const std::vector<Heard> heard = client.end();
  EXPECT_EQ(joined(heard), kText);
  for (const Heard& message : heard) EXPECT_TRUE(is_utf8(message.payload));
}

TEST(TextChunk, ByteByByteEveryCharacterIsAMessage) {
  TextClient client(chunks(1024, Encoding::utf8));
  const Decoded decoded = client.decode(byte_by_byte("a好的"));
  EXPECT_THAT(decoded.heard, ElementsAre(said("a"), said("好"), said("的")));
}

TEST(TextChunk, BinaryIsCutAnywhereAndNothingIsHeld) {
  TextClient client(chunks(4, Encoding::binary));
  EXPECT_THAT(client.feed("\xff\xe5\xa5\xbd\xe7\x9a"),
              ElementsAre(said("\xff\xe5\xa5\xbd"), said("\xe7\x9a")));
  EXPECT_FALSE(client.codec().mid_message());
}

TEST(TextChunk, LosesNoByteOfWhatFitsNoEncoding) {
  std::mt19937 random(20240607);
  for (int round = 0; round < 300; ++round) {
    std::string noise(std::uniform_int_distribution<std::size_t>(1, 200)(random), '\0');
    for (char& byte : noise)
      byte = static_cast<char>(std::uniform_int_distribution<int>(0, 255)(random));
    const auto chunk = std::uniform_int_distribution<std::uint32_t>(4, 40)(random);
    TextClient client(chunks(chunk), round % 3);
    const Decoded decoded = client.decode(split_at_random(noise, random));
    ASSERT_EQ(joined(decoded.heard), noise) << "round " << round;
    for (const Heard& heard : decoded.heard) ASSERT_LE(heard.payload.size(), chunk);
  }
}

}  // namespace
}  // namespace fairlead
