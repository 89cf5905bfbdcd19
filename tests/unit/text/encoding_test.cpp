#include "common/text/encoding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "common/text/characters.hpp"

namespace fairlead {
namespace {

using namespace std::string_view_literals;

const std::string kFffd = "\xEF\xBF\xBD";

std::string utf8_of(char32_t code) {
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800)
    return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
  if (code < 0x10000) {
    return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
            static_cast<char>(0x80 | (code & 0x3F))};
  }
  return {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3F)),
          static_cast<char>(0x80 | (code >> 6 & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
}

std::string read_as(Encoding from, Bytes bytes) {
  std::string out;
  append_utf8(out, bytes, from);
  return out;
}

std::string written_in(Encoding to, std::string_view utf8) {
  std::string out;
  append_encoded(out, utf8, to);
  return out;
}

std::string hex(Bytes bytes) {
  std::string out;
  for (char c : bytes) {
    out += "0123456789abcdef"[octet(c) >> 4];
    out += "0123456789abcdef"[octet(c) & 15];
  }
  return out;
}

// The private-use code points that GB18030-2005 took out of the two-byte area.
const std::set<char32_t> kGivenUp = {
    0xE78D, 0xE78E, 0xE78F, 0xE790, 0xE791, 0xE792, 0xE793, 0xE794, 0xE795, 0xE796, 0xE816, 0xE817,
    0xE818, 0xE81E, 0xE826, 0xE82B, 0xE82C, 0xE831, 0xE832, 0xE83B, 0xE843, 0xE854, 0xE855, 0xE864};

bool is_surrogate(char32_t code) { return code >= 0xD800 && code <= 0xDFFF; }

// --- names

TEST(Encoding, NamesAreReadInAnyCaseAndShownInOne) {
  for (Encoding encoding :
       {Encoding::utf8, Encoding::gbk, Encoding::gb18030, Encoding::latin1, Encoding::binary}) {
    EXPECT_EQ(encoding_named(name_of(encoding)), encoding);
  }
  EXPECT_EQ(name_of(Encoding::utf8), "utf-8");
  EXPECT_EQ(encoding_named("UTF8"), Encoding::utf8);
  EXPECT_EQ(encoding_named("Utf-8"), Encoding::utf8);
  EXPECT_EQ(encoding_named("GBK"), Encoding::gbk);
  EXPECT_EQ(encoding_named("GB18030"), Encoding::gb18030);
  for (std::string_view name : {"", "utf", "utf-16", "gbk ", "auto", "match", "latin-1"}) {
    EXPECT_EQ(encoding_named(name), std::nullopt) << name;
  }
}

// --- validation

TEST(Ascii, IsDecidedByEveryByteAtEveryPlace) {
  for (std::size_t length = 0; length <= 40; ++length) {
    const std::string text(length, 'a');
    EXPECT_TRUE(is_ascii(text));
    for (std::size_t at = 0; at < length; ++at) {
      std::string broken = text;
      broken[at] = '\x80';
      EXPECT_FALSE(is_ascii(broken)) << at << " of " << length;
      EXPECT_EQ(ascii_length(broken), at);
    }
  }
  EXPECT_TRUE(is_ascii("\0\x01\x7F"sv));
}

TEST(Utf8, AcceptsEveryCodePointAndNoSurrogate) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    ASSERT_EQ(is_utf8(utf8_of(code)), !is_surrogate(code))
        << std::hex << static_cast<std::uint32_t>(code);
  }
}

TEST(Utf8, RejectsOverlongSurrogatesAndWhatIsAboveTheLastCodePoint) {
  const std::vector<std::string_view> bad = {"\xC0\x80"sv,
                                             "\xC1\xBF"sv,
                                             "\xE0\x80\x80"sv,
                                             "\xE0\x9F\xBF"sv,
                                             "\xF0\x80\x80\x80"sv,
                                             "\xF0\x8F\xBF\xBF"sv,
                                             "\xED\xA0\x80"sv,
                                             "\xED\xBF\xBF"sv,
                                             "\xF4\x90\x80\x80"sv,
                                             "\xF5\x80\x80\x80"sv,
                                             "\xF8\x88\x80\x80\x80"sv,
                                             "\x80"sv,
                                             "\xBF"sv,
                                             "\xFE"sv,
                                             "\xFF"sv,
                                             "\xE4\xBD\x41"sv,
                                             "\xC3\xC3\xA9"sv};
  for (std::string_view bytes : bad) {
    EXPECT_FALSE(is_utf8(bytes)) << hex(bytes);
    EXPECT_FALSE(utf8_prefix(bytes).valid) << hex(bytes);
    EXPECT_FALSE(is_utf8("0123456789" + std::string(bytes))) << hex(bytes);
  }
}

// A second opinion on two bytes, from the table of RFC 3629 and by exhaustion.
TEST(Utf8, PrefixOfTwoBytesIsValidExactlyWhenACodePointBeginsSo) {
  // One code point for each two bytes: the bits of the others do not matter.
  const auto bits_behind = [](char32_t code) { return code < 0x800 ? 0 : code < 0x10000 ? 6 : 12; };
  std::set<std::string> begins;
  for (char32_t code = 0x80; code <= 0x10FFFF; code += 1 << bits_behind(code)) {
    if (!is_surrogate(code)) begins.insert(utf8_of(code).substr(0, 2));
  }
  for (int first = 0x80; first <= 0xFF; ++first) {
    for (int second = 0; second <= 0xFF; ++second) {
      const std::string bytes = {static_cast<char>(first), static_cast<char>(second)};
      ASSERT_EQ(utf8_prefix(bytes).valid, begins.contains(bytes)) << hex(bytes);
    }
  }
}

TEST(Gb18030, TwoBytesAreACharacterByTheirRanges) {
  for (int first = 0x80; first <= 0xFF; ++first) {
    for (int second = 0; second <= 0xFF; ++second) {
      const std::string bytes = {static_cast<char>(first), static_cast<char>(second)};
      const bool lead = first != 0x80 && first != 0xFF;
      const bool trail = (second >= 0x40 && second <= 0x7E) || (second >= 0x80 && second <= 0xFE);
      ASSERT_EQ(is_gb18030(bytes), lead && trail) << hex(bytes);
      const bool may_go_on = lead && second >= 0x30 && second <= 0x39;
      ASSERT_EQ(gb18030_prefix(bytes).valid, (lead && trail) || may_go_on) << hex(bytes);
    }
  }
}

TEST(Gb18030, FourBytesNeedDigitLeadDigit) {
  EXPECT_TRUE(is_gb18030("\x81\x30\x81\x30"));
  EXPECT_TRUE(is_gb18030("\xFE\x39\xFE\x39"));  // structure only: no character is there
  EXPECT_FALSE(is_gb18030("\x81\x30\x80\x30"));
  EXPECT_FALSE(is_gb18030("\x81\x30\xFF\x30"));
  EXPECT_FALSE(is_gb18030("\x81\x30\x81\x40"));
  EXPECT_FALSE(is_gb18030("\x81\x3A\x81\x30"));
  EXPECT_FALSE(is_gb18030("\x81\x30\x81"));
}

TEST(Prefix, OfEveryLengthOfAValidTextIsValidAndCountsTheUnfinishedBytes) {
  const std::string utf8 = "a\u00E9\u4F60\U0001F600ascii run here\u597D";
  const std::string gb18030 = written_in(Encoding::gb18030, utf8);
  const auto check = [](const std::string& text, auto prefix_of, auto is_whole) {
    std::size_t last_end = 0;
    for (std::size_t length = 0; length <= text.size(); ++length) {
      const Bytes head = Bytes(text).substr(0, length);
      if (is_whole(head)) last_end = length;
      EXPECT_TRUE(prefix_of(head).valid) << length;
      EXPECT_EQ(prefix_of(head).unfinished, length - last_end) << length;
      EXPECT_LE(prefix_of(head).unfinished, 3u);
    }
    EXPECT_EQ(last_end, text.size());
  };
  check(utf8, utf8_prefix, is_utf8);
  check(gb18030, gb18030_prefix, is_gb18030);
}

TEST(Prefix, CountsNothingUnfinishedInWhatIsInvalid) {
  EXPECT_EQ(utf8_prefix("\xFF\xE4\xBD").unfinished, 0u);
  EXPECT_EQ(gb18030_prefix("\xFF\x81").unfinished, 0u);
}

// --- conversion

TEST(Conversion, TheTextsOfTheTutorialsAreByteExact) {
  EXPECT_EQ(hex(written_in(Encoding::gbk, "好的,已经收到!~")), "bac3b5c42cd2d1beadcad5b5bd217e");
  EXPECT_EQ(hex(written_in(Encoding::gb18030, "好的,已经收到!~")),
            "bac3b5c42cd2d1beadcad5b5bd217e");
  EXPECT_EQ(read_as(Encoding::gbk, "\xba\xc3\xb5\xc4\x2c\xd2\xd1\xbe\xad\xca\xd5\xb5\xbd\x21\x7e"),
            "好的,已经收到!~");

  const std::vector<std::pair<std::string, std::size_t>> texts = {
      {"成功连接服务器!", 22},
      {"你好,世界!!!", 16},
      {"你好服务端,我是客户端小明!", 38},
      {"哈哈哈,打不过我吧!?", 27},
      {"ok, 问题正在处理中...", 28},
      {"好的,收到.", 14}};
  for (const auto& [text, bytes] : texts) {
    EXPECT_EQ(text.size(), bytes) << text;
    EXPECT_EQ(read_as(Encoding::utf8, text), text);
    for (Encoding encoding : {Encoding::gbk, Encoding::gb18030}) {
      EXPECT_EQ(read_as(encoding, written_in(encoding, text)), text);
    }
  }
}

TEST(Conversion, EveryCodePointComesBackFromGb18030) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (is_surrogate(code)) continue;
    const std::string utf8 = utf8_of(code);
    const std::string gb18030 = written_in(Encoding::gb18030, utf8);
    ASSERT_TRUE(is_gb18030(gb18030));
    const std::string expected = kGivenUp.contains(code) ? "?" : utf8;
    ASSERT_EQ(read_as(Encoding::gb18030, gb18030), expected)
        << std::hex << static_cast<std::uint32_t>(code);
  }
}

// All of them in one text: slices of the converter end inside characters of every length.
TEST(Conversion, EveryCodePointComesBackInOneText) {
  std::string utf8;
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (!is_surrogate(code) && !kGivenUp.contains(code)) utf8 += utf8_of(code);
  }
  EXPECT_TRUE(is_utf8(utf8));
  const std::string gb18030 = written_in(Encoding::gb18030, utf8);
  EXPECT_TRUE(is_gb18030(gb18030));
  EXPECT_TRUE(read_as(Encoding::gb18030, gb18030) == utf8);
}

TEST(Conversion, EveryFourByteFormIsOneCharacterOrOneReplacement) {
  for (int first = 0x81; first <= 0xFE; ++first) {
    std::string row;
    std::size_t characters = 0;
    for (int second = 0x30; second <= 0x39; ++second) {
      for (int third = 0x81; third <= 0xFE; third += 5) {
        row += {static_cast<char>(first), static_cast<char>(second), static_cast<char>(third), '7'};
        ++characters;
      }
    }
    const std::string utf8 = read_as(Encoding::gb18030, row);
    ASSERT_TRUE(is_utf8(utf8));
    const auto leads =
        std::count_if(utf8.begin(), utf8.end(), [](char c) { return (octet(c) & 0xC0) != 0x80; });
    ASSERT_EQ(static_cast<std::size_t>(leads), characters) << first;
  }
}

TEST(Conversion, GbkWritesTwoBytesOrAQuestionMarkAndIsReadBack) {
  for (char32_t code = 0x80; code <= 0x10FFFF; ++code) {
    if (is_surrogate(code)) continue;
    const std::string utf8 = utf8_of(code);
    const std::string gbk = written_in(Encoding::gbk, utf8);
    if (gbk == "?") continue;
    ASSERT_EQ(gbk.size(), 2u) << std::hex << static_cast<std::uint32_t>(code);
    ASSERT_EQ(read_as(Encoding::gbk, gbk), utf8);
    ASSERT_EQ(written_in(Encoding::gb18030, utf8), gbk);
  }
  EXPECT_EQ(written_in(Encoding::gbk, "价\u20AC5 \U0001F600!"),
            written_in(Encoding::gbk, "价") + "?5 ?!");
}

TEST(Conversion, Latin1IsTheFirst256CodePoints) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (is_surrogate(code)) continue;
    const std::string expected = code <= 0xFF ? std::string{static_cast<char>(code)} : "?";
    ASSERT_EQ(written_in(Encoding::latin1, utf8_of(code)), expected)
        << std::hex << static_cast<std::uint32_t>(code);
    if (code <= 0xFF) {
      ASSERT_EQ(read_as(Encoding::latin1, expected), utf8_of(code));
    }
  }
}

TEST(Conversion, BrokenUtf8BecomesOneReplacementForEachMaximalPart) {
  // The example of the Unicode Standard, table 3-8, and its neighbours.
  EXPECT_EQ(read_as(Encoding::utf8,
                    "a\xF1\x80\x80\xE1\x80\xC2"
                    "b\x80"
                    "c\x80\xBF"
                    "d"),
            "a" + kFffd + kFffd + kFffd + "b" + kFffd + "c" + kFffd + kFffd + "d");
  EXPECT_EQ(read_as(Encoding::utf8, "\xED\xA0\x80"), kFffd + kFffd + kFffd);
  EXPECT_EQ(read_as(Encoding::utf8, "你\xE4\xBD"), "你" + kFffd);
}

TEST(Conversion, BrokenGb18030SwallowsNoAsciiByte) {
  EXPECT_EQ(read_as(Encoding::gbk, "\xBA\xC3\x80\xBA\xC3"), "好€好");
  EXPECT_EQ(read_as(Encoding::gbk, "\xBA\xC3\xFF!"), "好" + kFffd + "!");
  EXPECT_EQ(read_as(Encoding::gbk, "\xBA\n\xBA\xC3"), kFffd + "\n好");
  EXPECT_EQ(read_as(Encoding::gbk, "\x81\x30\n"), kFffd + "0\n");
  EXPECT_EQ(read_as(Encoding::gbk, "\x81\x30\xBA\xC3"), kFffd + "0好");
  EXPECT_EQ(read_as(Encoding::gbk, "\xBA\xC3\xBA"), "好" + kFffd);
  EXPECT_EQ(read_as(Encoding::gbk, "\xBA\xC3\x81\x30\x81"), "好" + kFffd);
  EXPECT_EQ(read_as(Encoding::gb18030, "a\xFE\x39\xFE\x39z"), "a" + kFffd + "z");
}

TEST(Conversion, ReadsTheEuroOfCodePage936) {
  EXPECT_EQ(read_as(Encoding::gbk, "\xBC\xDB\xB8\xF1\x80\xA3\xB5"), "价格€５");
  EXPECT_EQ(read_as(Encoding::gb18030, "\x80\x80 \xFF"), "€€ \uFFFD");
}

TEST(Conversion, WhatCannotBeWrittenIsOneQuestionMarkEach) {
  EXPECT_EQ(written_in(Encoding::latin1, "é你好x"), "\xE9??x");
  EXPECT_EQ(written_in(Encoding::gbk, "a\xE4\xBDz\xFF"), "a?z?");
  EXPECT_EQ(written_in(Encoding::gb18030, "\xE4\xBD"), "?");
  EXPECT_EQ(written_in(Encoding::gbk, "\U000E0041\U000E0001x\u20AC\u20AC"), "??x??");
}

TEST(Conversion, BinaryPassesEveryByteUntouched) {
  std::string all;
  for (int byte = 0; byte <= 0xFF; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(read_as(Encoding::binary, all), all);
  EXPECT_EQ(written_in(Encoding::binary, all), all);
  EXPECT_EQ(written_in(Encoding::utf8, all), all);
}

TEST(Conversion, AppendsAndLeavesNoStateBehind) {
  std::string out = "head ";
  append_utf8(out, "\xBA", Encoding::gbk);
  append_utf8(out, "\xBA\xC3", Encoding::gbk);
  append_encoded(out, " tail", Encoding::gbk);
  EXPECT_EQ(out, "head " + kFffd + "好 tail");
  append_utf8(out, "", Encoding::gbk);
  EXPECT_EQ(out, "head " + kFffd + "好 tail");
}

TEST(Conversion, OfRandomBytesIsAlwaysValidAndKeepsWhatIsValid) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    std::string bytes(random() % 2000, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random() % 3 == 0 ? random() % 0x80 : 0x80 + random() % 0x80);
    for (Encoding from : {Encoding::utf8, Encoding::gbk, Encoding::latin1}) {
      ASSERT_TRUE(is_utf8(read_as(from, bytes))) << "seed " << seed;
    }
    const std::string repaired = read_as(Encoding::utf8, bytes);
    ASSERT_EQ(read_as(Encoding::utf8, repaired), repaired) << "seed " << seed;
    ASSERT_TRUE(is_gb18030(written_in(Encoding::gb18030, bytes))) << "seed " << seed;
    ASSERT_TRUE(is_gb18030(written_in(Encoding::gbk, bytes))) << "seed " << seed;
  }
}

TEST(Conversion, ConvertersOpenOnThisMachine) { EXPECT_TRUE(open_converters()); }

}  // namespace
}  // namespace fairlead
