#include "client/bench/workload/expectation.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/bench/setting_error.hpp"

namespace fairlead {
namespace {

using Kind = ExpectationSettings::Kind;

std::string refusal(std::string_view words) {
  return setting_error([&] { Expectation(parse_expectation(words)); });
}

TEST(ParseExpectation, KnowsEveryForm) {
  EXPECT_EQ(parse_expectation("echo").kind, Kind::echo);
  EXPECT_EQ(parse_expectation("none").kind, Kind::none);
  EXPECT_EQ(parse_expectation("len:512").kind, Kind::length);
  EXPECT_EQ(parse_expectation("len:512").length, 512U);
  EXPECT_EQ(parse_expectation(R"(re:^\+OK)").kind, Kind::pattern);
  EXPECT_EQ(parse_expectation(R"(re:^\+OK)").text, R"(^\+OK)");
  EXPECT_EQ(parse_expectation(R"(+PONG\r\n)").kind, Kind::text);
  EXPECT_EQ(parse_expectation(R"(+PONG\r\n)").text, "+PONG\r\n");
  EXPECT_EQ(parse_expectation("text:echo").kind, Kind::text);
  EXPECT_EQ(parse_expectation("text:echo").text, "echo");
  EXPECT_EQ(parse_expectation("\u4F60", Encoding::gbk).text, "\xC4\xE3");
}

TEST(ParseExpectation, ReportsErrors) {
  for (const auto* words : {"len:", "len:0", "len:x", "len:-1", "len:1k"})
    EXPECT_EQ(refusal(words),
              '"' + std::string(words) +
                  "\": write how many bytes a reply has, 1 or more, such as len:64");
  for (const auto* words : {"", "text:"})
    EXPECT_EQ(refusal(words),
              "an empty reply cannot be seen to come: write none where nothing comes");
  EXPECT_EQ(refusal("re:("), R"(the pattern "(": missing ): ()");
}

// What came of a conversation in which `stream` arrived in deliveries of `piece` bytes.
struct Streamed {
  std::size_t complete = 0;    // replies
  std::uint64_t wrong_at = 0;  // of the reply behind those
  bool is_wrong = false;
};

Streamed streamed(const Expectation& expectation, const std::vector<std::string>& messages,
                  Bytes stream, std::size_t piece) {
  Streamed result;
  std::uint64_t received = 0;
  while (!stream.empty()) {
    Bytes delivery = stream.substr(0, piece);
    stream.remove_prefix(delivery.size());
    while (!delivery.empty()) {
      const std::string& message = messages.at(result.complete);
      const auto right = expectation.check_stream(delivery, message, received);
      if (!right) {
        const std::string came = expectation.came(delivery, message, received);
        result.is_wrong = true;
        result.wrong_at = expectation.mismatch(MismatchKind::content, {}, message, came).offset;
        return result;
      }
      delivery.remove_prefix(*right);
      received += *right;
      if (received < expectation.expected_length(message)) break;
      ++result.complete;
      received = 0;
    }
  }
  return result;
}

TEST(Expectation, FollowsAnEchoAtEverySplit) {
  const Expectation echo({.kind = Kind::echo});
  const std::vector<std::string> messages{"one", "second", "3"};
  for (std::size_t piece = 1; piece <= 10; ++piece) {
    const Streamed right = streamed(echo, messages, "onesecond3", piece);
    EXPECT_EQ(right.complete, 3U);
    EXPECT_FALSE(right.is_wrong);
    const Streamed wrong = streamed(echo, messages, "oneseXond3", piece);
    EXPECT_EQ(wrong.complete, 1U);
    EXPECT_TRUE(wrong.is_wrong);
    EXPECT_EQ(wrong.wrong_at, 2U);
  }
}

TEST(Expectation, FindsAnyOneWrongByteAtAnySplit) {
  const Expectation echo({.kind = Kind::echo});
  std::mt19937_64 random(1);
  const std::vector<std::string> messages(4, "sixteen bytes...");
  const std::string right = messages[0] + messages[1] + messages[2] + messages[3];
  for (int i = 0; i < 2000; ++i) {
    const std::size_t place = random() % right.size();
    std::string stream = right;
    stream[place] = static_cast<char>(stream[place] ^ (1 << random() % 8));
    const Streamed found = streamed(echo, messages, stream, 1 + random() % right.size());
    ASSERT_TRUE(found.is_wrong);
    EXPECT_EQ(found.complete * 16 + found.wrong_at, place);
  }
}

TEST(Expectation, FollowsTextsAndLengths) {
  const Expectation text({.kind = Kind::text, .text = "+PONG\r\n"});
  const Expectation length({.kind = Kind::length, .length = 7});
  const std::vector<std::string> messages(3, "PING\r\n");
  for (std::size_t piece = 1; piece <= 21; ++piece) {
    EXPECT_EQ(streamed(text, messages, "+PONG\r\n+PONG\r\n", piece).complete, 2U);
    EXPECT_EQ(streamed(text, messages, "+PONG\r\n-ERR\r\n", piece).wrong_at, 0U);
    EXPECT_TRUE(streamed(text, messages, "+PONG\r\n-ERR\r\n", piece).is_wrong);
    EXPECT_EQ(streamed(length, messages, "-------=======....", piece).complete, 2U);
    EXPECT_FALSE(streamed(length, messages, "-------=======....", piece).is_wrong);
  }
  EXPECT_TRUE(text.reply_is_stream());
  EXPECT_FALSE(Expectation({.kind = Kind::pattern, .text = "x"}).reply_is_stream());
  EXPECT_FALSE(Expectation({.kind = Kind::none}).awaits_reply());
}

TEST(Expectation, ChecksWholeReplies) {
  const Expectation echo({.kind = Kind::echo});
  EXPECT_EQ(echo.check_whole("abc", "abc"), std::nullopt);
  EXPECT_EQ(echo.check_whole("abX", "abc"), MismatchKind::content);
  EXPECT_EQ(echo.check_whole("ab", "abc"), MismatchKind::length);
  EXPECT_EQ(echo.check_whole("abcd", "abc"), MismatchKind::length);
  EXPECT_EQ(echo.check_whole("aXcd", "abc"), MismatchKind::content);
  const Expectation length({.kind = Kind::length, .length = 2});
  EXPECT_EQ(length.check_whole("xy", "abc"), std::nullopt);
  EXPECT_EQ(length.check_whole("xyz", "abc"), MismatchKind::length);
  EXPECT_EQ(Expectation({.kind = Kind::none}).check_whole("xyz", "abc"), std::nullopt);
}

TEST(Expectation, SearchesForItsPattern) {
  const Expectation pattern({.kind = Kind::pattern, .text = "^HTTP/1.1 2.. .*$"});
  EXPECT_EQ(pattern.check_whole("HTTP/1.1 204 No Content", "x"), std::nullopt);
  EXPECT_EQ(pattern.check_whole("HTTP/1.1 200 \xC4\xE3", "x"), std::nullopt);
  EXPECT_EQ(pattern.check_whole("HTTP/1.1 500 Oops", "x"), MismatchKind::content);
  const Expectation chinese({.kind = Kind::pattern, .text = "^\u4F60.$"});
  EXPECT_EQ(chinese.check_whole("\u4F60\u597D", "x"), std::nullopt);
}

TEST(Expectation, TellsOrderFromContent) {
  const Expectation echo({.kind = Kind::echo});
  EXPECT_TRUE(echo.is_order_mismatch("second", "second"));
  EXPECT_TRUE(echo.is_order_mismatch("seco", "second"));
  EXPECT_TRUE(echo.is_order_mismatch("secondthird", "second"));
  EXPECT_FALSE(echo.is_order_mismatch("sXcond", "second"));
  EXPECT_FALSE(echo.is_order_mismatch("", "second"));
  EXPECT_FALSE(Expectation({.kind = Kind::text, .text = "a"}).is_order_mismatch("b", "b"));
}

TEST(Expectation, DescribesTheFirstWrongByte) {
  const Expectation echo({.kind = Kind::echo});
  std::string message;
  for (int i = 0; i < 200; ++i) message += static_cast<char>('A' + i % 26);
  std::string reply = message;
  reply[100] = '!';
  const std::string came = echo.came(Bytes(reply).substr(90), message, 90);
  EXPECT_EQ(came, reply);
  const Mismatch found = echo.mismatch(MismatchKind::content, {9'999, 3, 41}, message, came);
  EXPECT_EQ(found.number, 10'000U);
  EXPECT_EQ(found.connection, 3U);
  EXPECT_EQ(found.of_connection, 42U);
  EXPECT_EQ(found.offset, 100U);
  EXPECT_EQ(found.shown_from, 80U);
  EXPECT_EQ(found.expected, message.substr(80, 64));
  EXPECT_EQ(found.got, reply.substr(80, 64));
}

TEST(Expectation, DescribesWhatHasNoFirstWrongByte) {
  const Expectation pattern({.kind = Kind::pattern, .text = "^a"});
  EXPECT_EQ(pattern.mismatch(MismatchKind::content, {}, "x", "b").note, R"(does not match "^a")");
  const Expectation length({.kind = Kind::length, .length = 3});
  EXPECT_EQ(length.mismatch(MismatchKind::length, {}, "x", "ab").note,
            "3 bytes should have come, and 2 came");
  const Expectation echo({.kind = Kind::echo});
  const Mismatch short_one = echo.mismatch(MismatchKind::length, {}, "abcd", "ab");
  EXPECT_EQ(short_one.offset, 2U);
  EXPECT_EQ(short_one.note, "4 bytes should have come, and 2 came");
  const Mismatch unasked = echo.mismatch(MismatchKind::unasked, {}, "", "boo");
  EXPECT_EQ(unasked.expected, "");
  EXPECT_EQ(unasked.got, "boo");
}

}  // namespace
}  // namespace fairlead
