#include "client/bench/workload/message_template.hpp"

#include <gtest/gtest.h>

#include <set>

#include "common/text/characters.hpp"
#include "tests/unit/bench/setting_error.hpp"

namespace fairlead {
namespace {

using namespace std::string_view_literals;

constexpr MessageKey kKey{.number = 41, .connection = 6, .of_connection = 2};

std::string made(std::string_view text, Encoding encoding = Encoding::utf8,
                 const MessageKey& key = kKey, std::uint64_t seed = 1) {
  std::string out;
  MessageTemplate(text, encoding).append(out, seed, key);
  return out;
}

std::string refusal(std::string_view text, Encoding encoding = Encoding::utf8) {
  return setting_error([&] { MessageTemplate(text, encoding); });
}

std::string unescape_refusal(std::string_view text) {
  return setting_error([&] { unescaped(text); });
}

TEST(MessageTemplate, CountsFromOne) {
  EXPECT_EQ(made("c{id} m{seq} of {n}."), "c7 m3 of 42.");
  EXPECT_EQ(made("{n}", Encoding::utf8, {.number = UINT64_MAX - 1}), "18446744073709551615");
  EXPECT_EQ(made("{id}", Encoding::utf8, {.connection = UINT32_MAX}), "4294967296");
}

TEST(MessageTemplate, WritesBraces) {
  EXPECT_EQ(made(R"({{"id":{id}}})"), R"({"id":7})");
  EXPECT_EQ(made("{{{{{n}}}}}"), "{{42}}");
}

TEST(MessageTemplate, IsConstantWithoutPlaceholders) {
  const MessageTemplate braces("a{{b}}", Encoding::utf8);
  EXPECT_EQ(braces.constant(), "a{b}");
  EXPECT_EQ(MessageTemplate("", Encoding::utf8).constant(), "");
  EXPECT_EQ(MessageTemplate("a{n}", Encoding::utf8).constant(), std::nullopt);
  EXPECT_EQ(MessageTemplate("{n}", Encoding::utf8).constant(), std::nullopt);
}

TEST(MessageTemplate, IsTheSameForTheSameKeyAndSeedOnly) {
  const std::string first = made("{rand:16}");
  EXPECT_EQ(first.size(), 16U);
  EXPECT_EQ(made("{rand:16}"), first);
  EXPECT_NE(made("{rand:16}", Encoding::utf8, kKey, 2), first);
  std::set<std::string> all;
  for (std::uint32_t connection = 0; connection < 30; ++connection)
    for (std::uint64_t of_connection = 0; of_connection < 30; ++of_connection)
      all.insert(made("{rand:16}", Encoding::utf8, {0, connection, of_connection}));
  EXPECT_EQ(all.size(), 900U);
}

TEST(MessageTemplate, UsesEveryLetterAndDigit) {
  const std::string letters = made("{rand:10000}");
  EXPECT_EQ(std::set<char>(letters.begin(), letters.end()).size(), 62U);
}

TEST(MessageTemplate, DrawsCommonChineseCharactersInEachEncoding) {
  const std::string utf8 = made("{zh:100000}");
  ASSERT_EQ(utf8.size(), 300'000U);
  std::set<char32_t> codes;
  for (std::size_t i = 0; i < utf8.size(); i += 3)
    codes.insert(code_point(Bytes(utf8).substr(i, 3)));
  EXPECT_EQ(codes.size(), 3755U);
  EXPECT_GE(*codes.begin(), 0x4E00U);
  EXPECT_LE(*codes.rbegin(), 0x9FA5U);
  EXPECT_TRUE(codes.contains(U'中'));

  for (const Encoding encoding : {Encoding::gbk, Encoding::gb18030}) {
    const std::string encoded = made("{zh:100}", encoding);
    EXPECT_EQ(encoded.size(), 200U);
    std::string read;
    append_utf8(read, encoded, encoding);
    EXPECT_EQ(read, made("{zh:100}"));
  }
}

TEST(MessageTemplate, WritesItsTextInTheEncoding) {
  EXPECT_EQ(made("\u4F60{id}", Encoding::gbk),
            "\xC4\xE3"
            "7");
  EXPECT_EQ(made("\xFF{id}", Encoding::binary),
            "\xFF"
            "7");
}

TEST(MessageTemplate, RejectsCharactersThatTheEncodingLacks) {
  EXPECT_EQ(refusal("ab\u4F60", Encoding::latin1),
            "\"\u4F60\" at byte 3 cannot be written in latin1");
  EXPECT_EQ(refusal("ab\xFF", Encoding::gbk),
            R"("\xff" at byte 3 is not UTF-8, so it cannot be written in gbk)");
  EXPECT_NE(refusal("{zh:1}", Encoding::latin1), "");
  EXPECT_EQ(refusal("a?b", Encoding::gbk), "");
}

TEST(MessageTemplate, ReportsErrorsWithTheirPlace) {
  const std::string there_are =
      ": there are {id}, {seq}, {n}, {rand:16} and {zh:20}, and {{ and }} for braces";
  EXPECT_EQ(refusal("ab{"), R"("{" at byte 3 is not closed)" + there_are);
  EXPECT_EQ(refusal("{sek}"),
            R"("{sek}" at byte 1 is no placeholder)" + there_are + R"(; did you mean "seq"?)");
  EXPECT_EQ(refusal("{id:3}"),
            R"("{id:3}" at byte 1 is no placeholder)" + there_are + R"(; did you mean "id"?)");
  EXPECT_EQ(refusal("}"), R"("}" at byte 1 closes nothing: write }} for a brace)");
  for (const auto* text :
       {"{rand}", "{rand:}", "{rand:0}", "{rand:1000001}", "{rand:x}", "{rand:1 }"})
    EXPECT_EQ(refusal(text), '"' + std::string(text) +
                                 "\" at byte 1 needs how many characters, 1 to 1000000: {rand:16}");
}

TEST(MessageTemplate, BoundsItsLength) {
  EXPECT_EQ(MessageTemplate("abc{rand:16}{zh:2}", Encoding::utf8).bytes_max(), 3U + 16U + 6U);
  EXPECT_EQ(MessageTemplate("abc{rand:16}{zh:2}", Encoding::gbk).bytes_max(), 3U + 16U + 4U);
  EXPECT_EQ(MessageTemplate("{n}", Encoding::utf8).bytes_max(),
            made("{n}", Encoding::utf8, {.number = UINT64_MAX - 1}).size());
}

TEST(Unescaped, TurnsEscapesIntoBytes) {
  EXPECT_EQ(unescaped(R"(PING\r\n)"), "PING\r\n");
  EXPECT_EQ(unescaped(R"(\t\0\\\x00\xfFz)"), "\t\0\\\0\xFFz"sv);
  EXPECT_EQ(unescaped("plain \u4F60"), "plain \u4F60");
}

TEST(Unescaped, ReportsErrorsWithTheirPlace) {
  EXPECT_EQ(unescape_refusal(R"(ab\q)"),
            R"("\" at byte 3: "\\q" is no escape: there are \r \n \t \0 \\ and \xNN)");
  EXPECT_EQ(unescape_refusal(R"(\x4)"), R"("\" at byte 1: \x needs two hexadecimal digits)");
  EXPECT_NE(unescape_refusal("\\"), "");
}

TEST(LiteralTemplate, MakesAnyText) {
  const std::string text = R"({"a":{"b":1}} \n {id})";
  EXPECT_EQ(MessageTemplate(literal_template(text), Encoding::utf8).constant(), text);
}

}  // namespace
}  // namespace fairlead
