#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/protocol/text_client.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kGood = "好的";  // six bytes of UTF-8, four of GBK

TextOptions automatic(std::uint32_t chunk) { return {.chunk = chunk}; }

TEST(TextAuto, ANewlineEndsAMessageAtOnce) {
  TextClient client;
  EXPECT_THAT(client.feed("one\ntwo\r\nth"),
              ElementsAre(said("one", LineEnd::lf), said("two", LineEnd::crlf)));
  EXPECT_TRUE(client.codec().awaits_pause());
}

TEST(TextAuto, ASilenceEndsWhatHasNoNewline) {
  TextClient client;
  EXPECT_THAT(client.feed("hello "), IsEmpty());
  EXPECT_THAT(client.feed("world"), IsEmpty());
  EXPECT_THAT(client.pause(), ElementsAre(said("hello world")));
  EXPECT_FALSE(client.codec().awaits_pause());
  EXPECT_FALSE(client.codec().mid_message());
  EXPECT_THAT(client.pause(), IsEmpty());
}

TEST(TextAuto, TheEndOfTheStreamEndsWhatHasNoNewline) {
  TextClient client;
  client.feed("hello");
  EXPECT_THAT(client.end(), ElementsAre(said("hello")));
}

TEST(TextAuto, DropsEmptyLines) {
  TextClient client;
  EXPECT_THAT(client.feed("\n\r\n"), IsEmpty());
  EXPECT_FALSE(client.codec().awaits_pause());
  client.feed("hello");
  EXPECT_THAT(client.pause(), ElementsAre(said("hello")));
  // The newline that came after the silence ends nothing.
  EXPECT_THAT(client.feed("\n"), IsEmpty());
}

TEST(TextAuto, CutsAtChunkWithoutWaitingForTheSilence) {
  TextClient client(automatic(4));
  EXPECT_THAT(client.feed("abcdefghi"), ElementsAre(said("abcd"), said("efgh")));
  EXPECT_THAT(client.pause(), ElementsAre(said("i")));
}

TEST(TextAuto, ALineEndRightAfterChunkBytesStillEndsThem) {
  for (const std::string end : {"\n", "\r\n"}) {
    const LineEnd expected = end == "\n" ? LineEnd::lf : LineEnd::crlf;
    TextClient at_once(automatic(4));
    EXPECT_THAT(at_once.feed("abcd" + end), ElementsAre(said("abcd", expected)));
    TextClient slow(automatic(4));
    EXPECT_THAT(slow.feed("abcd"), IsEmpty());
    if (end.size() == 2) {
      EXPECT_THAT(slow.feed("\r"), IsEmpty());
    }
    EXPECT_THAT(slow.feed("\n"), ElementsAre(said("abcd", expected)));
  }
}

TEST(TextAuto, ALineEndOneByteTooLateEndsTheRest) {
  TextClient client(automatic(4));
  EXPECT_THAT(client.feed("abcde\n"), ElementsAre(said("abcd"), said("e", LineEnd::lf)));
}

TEST(TextAuto, ACrAtTheEdgeThatNoLfFollowsIsAByteLikeAnyOther) {
  TextClient client(automatic(4));
  EXPECT_THAT(client.feed("abcd\r"), IsEmpty());
  EXPECT_THAT(client.feed("x"), ElementsAre(said("abcd")));
  EXPECT_THAT(client.pause(), ElementsAre(said("\rx")));

  TextClient silent(automatic(4));
  silent.feed("abcd\r");
  EXPECT_THAT(silent.pause(), ElementsAre(said("abcd"), said("\r")));
}

TEST(TextAuto, NeverTearsACharacterAtChunk) {
  // Five bytes hold one character of three and a part of the next.
  TextClient utf8(automatic(5));
  EXPECT_THAT(utf8.feed(kGood + kGood).front(), said("好"));
  TextClient chinese(automatic(5));
  EXPECT_THAT(chinese.feed(gbk(kGood + kGood)).front(), said(gbk(kGood)));
}

TEST(TextAuto, ASilenceDeliversAnUnfinishedCharacterAsItIs) {
  TextClient client;
  client.feed("a" + kGood.substr(0, 2));
  EXPECT_THAT(client.pause(), ElementsAre(said("a" + kGood.substr(0, 2))));
}

TEST(TextAuto, NoMessageIsLongerThanChunk) {
  for (std::uint32_t chunk = 4; chunk < 12; ++chunk) {
    for (std::size_t size = 1; size < 40; ++size) {
      TextClient client(automatic(chunk));
      const std::string stream = std::string(size, 'x') + "\r\n" + std::string(size, 'y') + "\n";
      const Decoded decoded = client.decode({stream});
      for (const Heard& heard : decoded.heard) ASSERT_LE(heard.payload.size(), chunk);
      ASSERT_EQ(joined(decoded.heard), std::string(size, 'x') + std::string(size, 'y'));
    }
  }
}

TEST(TextAuto, AStopAtASilenceLeavesTheRestForTheNextOne) {
  TextClient client(automatic(4), 1);
  client.feed("abcd\r");
  Recorder stops(1);
  EXPECT_EQ(client.codec().on_pause(stops).status, DecodeResult::Status::stopped);
  EXPECT_THAT(stops.heard, ElementsAre(said("abcd")));
  EXPECT_FALSE(client.codec().awaits_pause());  // it has to be gone on with first
  EXPECT_EQ(client.codec().feed({}, stops).status, DecodeResult::Status::ok);
  EXPECT_TRUE(client.codec().awaits_pause());
  EXPECT_THAT(client.pause(), ElementsAre(said("\r")));
}

TEST(TextAuto, WhatAStopLeavesIsNotWaitedForAsASilence) {
  TextClient client;
  Recorder stops(1);
  EXPECT_EQ(client.codec().feed("a\nb", stops).status, DecodeResult::Status::stopped);
  EXPECT_TRUE(client.codec().mid_message());
  EXPECT_FALSE(client.codec().awaits_pause());
  EXPECT_EQ(client.codec().feed({}, stops).status, DecodeResult::Status::ok);
  EXPECT_TRUE(client.codec().awaits_pause());
}

TEST(TextAuto, TheSameScriptGivesTheSameMessages) {
  const auto script = [](TextClient& client) {
    std::vector<Heard> all;
    const auto add = [&all](std::vector<Heard> more) {
      all.insert(all.end(), more.begin(), more.end());
    };
    add(client.feed("你好"));
    add(client.pause());
    add(client.feed("abc\nde"));
    add(client.feed("f"));
    add(client.pause());
    add(client.feed(gbk("收到")));
    add(client.end());
    return all;
  };
  TextClient first;
  TextClient second;
  const std::vector<Heard> heard = script(first);
  EXPECT_EQ(script(second), heard);
  EXPECT_THAT(heard,
              ElementsAre(said("你好"), said("abc", LineEnd::lf), said("def"), said(gbk("收到"))));
}

}  // namespace
}  // namespace fairlead
