#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/protocol/text_client.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TextOptions lines(std::uint32_t message_bytes_max = 1024) {
  return {.boundary = Boundary::line, .message_bytes_max = message_bytes_max};
}

TEST(TextLine, EndsAMessageAtLfAndAtCrlf) {
  TextClient client(lines());
  EXPECT_THAT(client.feed("one\ntwo\r\nthr\ree\n"),
              ElementsAre(said("one", LineEnd::lf), said("two", LineEnd::crlf),
                          said("thr\ree", LineEnd::lf)));
  EXPECT_FALSE(client.codec().mid_message());
}

TEST(TextLine, ALoneCrBeforeTheEndIsPartOfTheLine) {
  TextClient client(lines());
  EXPECT_THAT(client.feed("a\r\r\n"), ElementsAre(said("a\r", LineEnd::crlf)));
}

TEST(TextLine, CrlfMayBeSplit) {
  TextClient client(lines());
  EXPECT_THAT(client.feed("one\r"), IsEmpty());
  EXPECT_THAT(client.feed("\n"), ElementsAre(said("one", LineEnd::crlf)));
}

TEST(TextLine, DropsEmptyLines) {
  TextClient client(lines());
  EXPECT_THAT(client.feed("\n\r\n\n"), IsEmpty());
  EXPECT_THAT(client.feed("\na\n\n"), ElementsAre(said("a", LineEnd::lf)));
}

TEST(TextLine, TheEndOfTheStreamEndsTheLastLine) {
  TextClient client(lines());
  EXPECT_THAT(client.feed("one\ntwo"), ElementsAre(said("one", LineEnd::lf)));
  EXPECT_THAT(client.end(), ElementsAre(said("two")));
  EXPECT_THAT(client.end(), IsEmpty());
}

TEST(TextLine, KnowsNoPauses) {
  TextClient client(lines());
  client.feed("one");
  EXPECT_TRUE(client.codec().mid_message());
  EXPECT_FALSE(client.codec().awaits_pause());
  EXPECT_THAT(client.pause(), IsEmpty());
  EXPECT_THAT(client.feed("s\n"), ElementsAre(said("ones", LineEnd::lf)));
}

TEST(TextLine, TakesTheLongestLineWhateverItsEnd) {
  const std::string longest(10, 'x');
  for (const std::string end : {"\n", "\r\n", ""}) {
    TextClient whole(lines(10));
    const Decoded at_once = whole.decode({longest + end});
    EXPECT_EQ(at_once.reason, CloseReason::none);
    ASSERT_EQ(at_once.heard.size(), 1U);
    EXPECT_EQ(at_once.heard[0].payload, longest);
    TextClient slow(lines(10));
    EXPECT_EQ(slow.decode(byte_by_byte(longest + end)), at_once);
  }
}

TEST(TextLine, RefusesOneByteMoreWhateverItsEnd) {
  for (const std::string end : {"\n", "\r\n", "", "\r"}) {
    const std::string stream = "ok\n" + std::string(11, 'x') + end;
    TextClient whole(lines(10));
    const Decoded at_once = whole.decode({stream});
    EXPECT_EQ(at_once.reason, CloseReason::message_too_big);
    EXPECT_EQ(at_once.problem, "line above max_message");
    EXPECT_THAT(at_once.heard, ElementsAre(said("ok", LineEnd::lf)));
    TextClient slow(lines(10));
    EXPECT_EQ(slow.decode(byte_by_byte(stream)), at_once);
  }
}

// The CR that made room for itself turns out to be part of the line.
TEST(TextLine, ACrThatIsNotTheLineEndCountsAsAByte) {
  TextClient client(lines(10));
  EXPECT_EQ(client.decode({std::string(10, 'x') + "\r"}).reason, CloseReason::message_too_big);
  TextClient longer(lines(10));
  EXPECT_EQ(longer.decode({std::string(10, 'x') + "\r\r\n"}).reason, CloseReason::message_too_big);
}

TEST(TextLine, RefusesAnEndlessLineAsSoonAsItIsTooLong) {
  TextClient client(lines(1000));
  for (int i = 0; i < 1001; ++i) {
    client.feed("x");
    ASSERT_EQ(client.reason, CloseReason::none) << i;
  }
  client.feed("x");
  EXPECT_EQ(client.reason, CloseReason::message_too_big);
  EXPECT_EQ(client.pool.bytes_in_use(), 0U);
}

TEST(TextLine, TheReplyEndsAsTheRequestDid) {
  TextClient client(lines());
  EXPECT_EQ(encoded(client.codec(), said("a", LineEnd::lf)), "a\n");
  EXPECT_EQ(encoded(client.codec(), said("a", LineEnd::crlf)), "a\r\n");
  EXPECT_EQ(encoded(client.codec(), said("a")), "a");
}

TEST(TextLine, PassesEveryByteThrough) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte)
    if (byte != '\n') all += static_cast<char>(byte);
  TextClient client(lines());
  EXPECT_THAT(client.feed(all + "\n"), ElementsAre(said(all, LineEnd::lf)));
}

}  // namespace
}  // namespace fairlead
