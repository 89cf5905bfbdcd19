#include "common/text/client_encoding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace fairlead {
namespace {

using enum Encoding;

const std::string kUtf8Only = "你好服务端,我是客户端小明!";  // no GB18030: 15 bytes, then a comma
const std::string kGbkOnly = "\xBA\xC3\xB5\xC4\x2C\xCA\xD5\xB5\xBD\x2E";  // 好的,收到. in GBK
const std::string kBoth = "你好,世界!!!";                                 // valid in both
const std::string kNeither = "\xFF\xFE\x80";

std::string gb18030_of(std::string_view utf8) {
  std::string out;
  append_encoded(out, utf8, gb18030);
  return out;
}

EncodingSettings decode_as(Encoding encoding) {
  EncodingSettings settings;
  settings.decode = encoding;
  return settings;
}

// --- deciding

TEST(ClientEncoding, AsciiAndWhatIsValidInBothDecideNothing) {
  const EncodingSettings settings{};
  ClientEncoding client(settings);
  EXPECT_EQ(client.observe("hello"), utf8);
  EXPECT_EQ(client.observe(""), utf8);
  EXPECT_EQ(client.observe(kBoth), utf8);
  EXPECT_EQ(client.decided(), std::nullopt);
}

TEST(ClientEncoding, AMessageValidInOneEncodingDecides) {
  const EncodingSettings settings{};
  ClientEncoding chinese(settings);
  EXPECT_EQ(chinese.observe(kGbkOnly), gb18030);
  EXPECT_EQ(chinese.decided(), gb18030);
  EXPECT_EQ(chinese.observe("ascii"), gb18030);
  EXPECT_EQ(chinese.observe(kBoth), gb18030);

  ClientEncoding modern(settings);
  EXPECT_EQ(modern.observe("long ascii before it " + kUtf8Only), utf8);
  EXPECT_EQ(modern.decided(), utf8);
}

TEST(ClientEncoding, WhatIsValidInNeitherDecidesNothingAndIsBinaryBeforeADecision) {
  const EncodingSettings settings{};
  ClientEncoding client(settings);
  EXPECT_EQ(client.observe(kNeither), binary);
  EXPECT_EQ(client.decided(), std::nullopt);
  client.observe(kGbkOnly);
  EXPECT_EQ(client.observe(kNeither), gb18030) << "or the reply would be torn in its encoding";
  EXPECT_EQ(client.decided(), gb18030);
}

TEST(ClientEncoding, DecidedGbkFlipsAtAMessageThatOnlyUtf8CanBe) {
  const EncodingSettings settings{};
  ClientEncoding client(settings);
  client.observe(kGbkOnly);
  EXPECT_EQ(client.observe(kUtf8Only), utf8);
  EXPECT_EQ(client.decided(), utf8);
  EXPECT_EQ(client.observe(kGbkOnly), utf8);
}

TEST(ClientEncoding, DecidedUtf8NeverFlips) {
  const EncodingSettings settings{};
  ClientEncoding client(settings);
  client.observe(kUtf8Only);
  EXPECT_EQ(client.observe(kGbkOnly), utf8);
  EXPECT_EQ(client.observe(kNeither), utf8);
  EXPECT_EQ(client.decided(), utf8);
}

TEST(ClientEncoding, AFixedDecodeIsNeverAskedTwice) {
  for (Encoding fixed : {utf8, gbk, gb18030, latin1, binary}) {
    const EncodingSettings settings = decode_as(fixed);
    ClientEncoding client(settings);
    for (const std::string& message : {kUtf8Only, kGbkOnly, kBoth, kNeither})
      EXPECT_EQ(client.observe(message), fixed);
    EXPECT_EQ(client.decided(), fixed == binary ? std::nullopt : std::optional(fixed));
  }
}

// --- replying

TEST(ClientEncoding, RepliesAsTheClientSpeaksAndByTheTieBefore) {
  EncodingSettings settings{};
  settings.encode_tie = gbk;
  ClientEncoding client(settings);
  EXPECT_EQ(client.reply_encoding(), gbk);
  client.observe("ascii");
  EXPECT_EQ(client.reply_encoding(), gbk);
  client.observe(kGbkOnly);
  EXPECT_EQ(client.reply_encoding(), gb18030);
  client.observe(kUtf8Only);
  EXPECT_EQ(client.reply_encoding(), utf8);
}

TEST(ClientEncoding, AFixedEncodeIsUsedWhateverTheClientSpeaks) {
  EncodingSettings settings{};
  settings.encode = gbk;
  ClientEncoding client(settings);
  EXPECT_EQ(client.reply_encoding(), gbk);
  client.observe(kUtf8Only);
  EXPECT_EQ(client.reply_encoding(), gbk);
}

TEST(ClientEncoding, AFixedDecodeCountsAsDecidedForTheReply) {
  const auto reply_to = [](Encoding decode) {
    EncodingSettings settings = decode_as(decode);
    settings.encode_tie = latin1;
    return ClientEncoding(settings).reply_encoding();
  };
  EXPECT_EQ(reply_to(utf8), utf8);
  EXPECT_EQ(reply_to(gbk), gb18030);
  EXPECT_EQ(reply_to(gb18030), gb18030);
  EncodingSettings settings = decode_as(latin1);
  EXPECT_EQ(ClientEncoding(settings).reply_encoding(), latin1);
  EXPECT_EQ(reply_to(binary), latin1);  // the tie
}

// --- cutting

std::size_t cut(const EncodingSettings& settings, Bytes bytes, std::size_t bytes_max = 1024,
                bool hold_tail = true) {
  return ClientEncoding(settings).whole_characters(bytes, bytes_max, hold_tail);
}

TEST(WholeCharacters, HoldsAnUnfinishedCharacterUntilTheSilence) {
  const EncodingSettings settings{};
  for (const EncodingSettings& each : {settings, decode_as(utf8)}) {
    EXPECT_EQ(cut(each, "x,\xE4\xBD"), 2u);
    EXPECT_EQ(cut(each, "x,\xE4\xBD", 1024, false), 4u);
    EXPECT_EQ(cut(each, "\xE4\xBD"), 0u);
    EXPECT_EQ(cut(each, "\xE4\xBD", 1024, false), 2u);
    EXPECT_EQ(cut(each, ""), 0u);
    EXPECT_EQ(cut(each, "", 1024, false), 0u);
  }
  for (const EncodingSettings& each : {settings, decode_as(gbk), decode_as(gb18030)}) {
    EXPECT_EQ(cut(each, "\xBA\xC3,\xBA"), 3u);
    EXPECT_EQ(cut(each, "\xBA\xC3,\xBA", 1024, false), 4u);
    EXPECT_EQ(cut(each, "\xBA\xC3\x81\x30\x81"), 2u);
    EXPECT_EQ(cut(each, "\xBA"), 0u);
  }
}

TEST(WholeCharacters, TheSilenceDoesNotExcuseACutAtTheLimit) {
  EXPECT_EQ(cut(decode_as(utf8), "abc你", 4, false), 3u);
  EXPECT_EQ(cut(decode_as(utf8), "abc\xE4\xBD", 4, false), 3u);
  EXPECT_EQ(cut(decode_as(gbk), "abc\xBA\xC3", 4, false), 3u);
  EXPECT_EQ(cut(decode_as(gbk), "abc\x81\x30", 4, false), 3u);
}

TEST(WholeCharacters, CutsSingleByteEncodingsAnywhere) {
  for (Encoding encoding : {latin1, binary}) {
    EXPECT_EQ(cut(decode_as(encoding), "你好", 4), 4u);
    EXPECT_EQ(cut(decode_as(encoding), "\xE4"), 1u);
  }
}

TEST(WholeCharacters, StepsOverBrokenPartsUnderAFixedEncoding) {
  EXPECT_EQ(cut(decode_as(utf8), "\xFF\xFF\xE4\xBD"), 2u);
  EXPECT_EQ(cut(decode_as(utf8), "\x80\x80\x80\x80\x80", 4), 4u);
  EXPECT_EQ(cut(decode_as(utf8), "\xFF\xFF你", 4), 2u);
  EXPECT_EQ(cut(decode_as(gbk), "\xFF\x80\xBA"), 2u);
  EXPECT_EQ(cut(decode_as(gbk), "\xFF\xBA\xC3\xBA\xC3", 4), 3u);
  EXPECT_EQ(cut(decode_as(gbk), "\xBA\n\xBA\xC3"), 4u);
}

TEST(WholeCharacters, UndecidedBytesAreCutWhereBothEncodingsHaveABoundary) {
  const EncodingSettings settings{};
  const std::string text = "你好世界你好世界";  // 24 bytes; both share the multiples of six
  EXPECT_EQ(cut(settings, text, 23), 18u);
  EXPECT_EQ(cut(settings, text, 20), 18u);
  EXPECT_EQ(cut(settings, text, 12), 12u);
  EXPECT_EQ(cut(settings, "ab" + text, 9), 8u);
}

TEST(WholeCharacters, UndecidedBytesWithoutASharedBoundaryAreCutByUtf8) {
  const EncodingSettings settings{};
  EXPECT_EQ(cut(settings, "你好世界", 5), 3u);
  EXPECT_EQ(cut(settings, "你好世界", 4), 3u);
  EXPECT_EQ(cut(settings, "\xE4\xBD"), 0u);  // a whole GBK character, but UTF-8's boundary counts
}

TEST(WholeCharacters, AnUndecidedDeliveryThatIsWholeInUtf8StaysOneMessage) {
  const EncodingSettings settings{};
  EXPECT_EQ(cut(settings, "哈哈哈"), 9u);
  EXPECT_EQ(cut(settings, "哈"), 3u);
  EXPECT_EQ(cut(settings, "哈哈哈", 9), 9u);
}

TEST(WholeCharacters, UndecidedBytesThatOnlyOneEncodingFitsAreCutByThatOne) {
  const EncodingSettings settings{};
  EXPECT_EQ(cut(settings, "哈哈哈,哈\xE5\x93"), 13u);
  EXPECT_EQ(cut(settings, kGbkOnly, 4), 4u);
  EXPECT_EQ(cut(settings, kGbkOnly, 6), 5u);
}

TEST(WholeCharacters, BytesThatFitNothingAreCutAtTheLimit) {
  const EncodingSettings settings{};
  EXPECT_EQ(cut(settings, "\xFF你好", 5), 5u);
  EXPECT_EQ(cut(settings, "\xFF\xE4"), 2u);
}

TEST(WholeCharacters, ADecidedGbkClientIsCutByGb18030AndByUtf8WhereOnlyThatIsLeft) {
  const EncodingSettings settings{};
  ClientEncoding client(settings);
  client.observe(kGbkOnly);
  EXPECT_EQ(client.whole_characters("\xE4\xBD", 1024, true), 2u);  // undecided: 0
  EXPECT_EQ(client.whole_characters("\xBA\xC3\xBA", 1024, true), 2u);
  EXPECT_EQ(client.whole_characters("哈哈哈,哈\xE5\x93", 1024, true), 13u);  // may flip
  EXPECT_EQ(client.whole_characters("哈,哈哈", 6, true), 4u);
  EXPECT_EQ(client.whole_characters(kNeither, 1024, true), 3u);
}

TEST(WholeCharacters, ADecidedUtf8ClientIsCutByUtf8WhateverItSends) {
  const EncodingSettings settings{};
  ClientEncoding client(settings);
  client.observe(kUtf8Only);
  EXPECT_EQ(client.whole_characters("\xFF哈\xE5\x93", 1024, true), 4u);
  EXPECT_EQ(client.whole_characters("哈哈", 5, true), 3u);
}

// --- properties: whatever the deliveries, the pieces are the input, within the limit, and whole

// Delivers `text` cut at `ends`, takes pieces as a codec does, and lets the silence come at the
// end.
std::vector<std::string> pieces_of(ClientEncoding& client, const std::string& text,
                                   std::vector<std::size_t> ends, std::size_t bytes_max) {
  std::vector<std::string> pieces;
  std::string held;
  const auto take = [&](bool hold_tail) {
    while (const std::size_t size = client.whole_characters(held, bytes_max, hold_tail)) {
      pieces.push_back(held.substr(0, size));
      client.observe(pieces.back());
      held.erase(0, size);
    }
  };
  ends.push_back(text.size());
  std::size_t begin = 0;
  for (std::size_t end : ends) {
    held += text.substr(begin, end - begin);
    begin = end;
    take(true);
    EXPECT_LE(held.size(), 3u);  // never more than an unfinished character waits
  }
  take(false);
  EXPECT_TRUE(held.empty());
  return pieces;
}

using Validator = bool (*)(Bytes);

void expect_whole_pieces(ClientEncoding client, const std::string& text,
                         const std::vector<std::size_t>& ends, std::size_t bytes_max,
                         Validator is_whole, const std::string& what) {
  std::string joined;
  for (const std::string& piece : pieces_of(client, text, ends, bytes_max)) {
    ASSERT_LE(piece.size(), bytes_max) << what;
    ASSERT_TRUE(is_whole(piece)) << what;
    joined += piece;
  }
  ASSERT_EQ(joined, text) << what;
}

void expect_whole_at_every_split(const EncodingSettings& settings, const std::string& learnt,
                                 const std::string& text, Validator is_whole) {
  ClientEncoding client(settings);
  if (!learnt.empty()) client.observe(learnt);
  for (std::size_t bytes_max : {4, 5, 6, 7, 11, 16, 1024}) {
    for (std::size_t split = 0; split <= text.size(); ++split) {
      expect_whole_pieces(
          client, text, {split}, bytes_max, is_whole,
          "split " + std::to_string(split) + ", limit " + std::to_string(bytes_max));
    }
    std::vector<std::size_t> every_byte;
    for (std::size_t end = 1; end < text.size(); ++end) every_byte.push_back(end);
    expect_whole_pieces(client, text, every_byte, bytes_max, is_whole, "byte by byte");
  }
}

const std::vector<std::string>& tutorial_texts() {
  static const std::vector<std::string> texts = {
      "好的,已经收到!~",       "好的,收到.",         "成功连接服务器!",
      "ok, 问题正在处理中...", "你好,世界!!!",       "你好服务端,我是客户端小明!",
      "哈哈哈,打不过我吧!?",   "【新客户端来了】: x"};
  return texts;
}

TEST(WholeCharacters, TearsNothingAtAnySplitOfTheTutorialsTexts) {
  const EncodingSettings undecided{};
  for (const std::string& text : tutorial_texts()) {
    SCOPED_TRACE(text);
    for (const EncodingSettings& settings : {undecided, decode_as(utf8)}) {
      expect_whole_at_every_split(settings, "", text, is_utf8);
    }
    expect_whole_at_every_split(undecided, kUtf8Only, text, is_utf8);

    const std::string gbk_text = gb18030_of(text);
    for (const EncodingSettings& settings : {decode_as(gbk), decode_as(gb18030)}) {
      expect_whole_at_every_split(settings, "", gbk_text, is_gb18030);
    }
    expect_whole_at_every_split(undecided, kGbkOnly, gbk_text, is_gb18030);
    // What a GBK client sends first may look like UTF-8 for a while; these texts do not.
    if (!utf8_prefix(Bytes(gbk_text).substr(0, 2)).valid) {
      expect_whole_at_every_split(undecided, "", gbk_text, is_gb18030);
    }
  }
}

std::string random_text(std::mt19937& random) {
  std::string text;
  for (std::size_t left = random() % 60 + 1; left > 0; --left) {
    switch (random() % 6) {
      case 0:
        text += static_cast<char>(' ' + random() % 95);
        break;
      case 1:
        text += "\u00E9";
        break;
      case 2:
        text += "\U0001F600";
        break;
      case 3:
        text += "\u4F60";
        break;
      default: {
        const auto code = static_cast<std::uint32_t>(0x4E00 + random() % 0x5000);
        text += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
                 static_cast<char>(0x80 | (code & 0x3F))};
      }
    }
  }
  return text;
}

std::vector<std::size_t> random_ends(std::mt19937& random, std::size_t size) {
  std::vector<std::size_t> ends(random() % 12);
  for (std::size_t& end : ends) end = random() % (size + 1);
  std::ranges::sort(ends);
  return ends;
}

TEST(WholeCharacters, TearsNothingUnderRandomTextsSplitsAndLimits) {
  const EncodingSettings undecided{};
  const EncodingSettings fixed_utf8 = decode_as(utf8);
  const EncodingSettings fixed_gbk = decode_as(gbk);
  for (std::uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random(seed);
    const std::string what = "seed " + std::to_string(seed);
    const std::size_t bytes_max = 4 + random() % 40;
    const std::string text = random_text(random);
    const auto ends = random_ends(random, text.size());
    expect_whole_pieces(ClientEncoding(undecided), text, ends, bytes_max, is_utf8, what);
    expect_whole_pieces(ClientEncoding(fixed_utf8), text, ends, bytes_max, is_utf8, what);

    const std::string gbk_text = gb18030_of(text);
    const auto gbk_ends = random_ends(random, gbk_text.size());
    expect_whole_pieces(ClientEncoding(fixed_gbk), gbk_text, gbk_ends, bytes_max, is_gb18030, what);
    ClientEncoding decided(undecided);
    decided.observe(kGbkOnly);
    expect_whole_pieces(decided, gbk_text, gbk_ends, bytes_max, is_gb18030, what);
  }
}

TEST(WholeCharacters, LosesNothingOfRandomBytes) {
  const std::vector<EncodingSettings> all = {{},
                                             decode_as(utf8),
                                             decode_as(gbk),
                                             decode_as(gb18030),
                                             decode_as(latin1),
                                             decode_as(binary)};
  for (std::uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random(seed);
    std::string bytes(random() % 80, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random() % 3 == 0 ? '0' + random() % 64 : 0x80 + random() % 0x80);
    for (const EncodingSettings& settings : all) {
      expect_whole_pieces(
          ClientEncoding(settings), bytes, random_ends(random, bytes.size()), 4 + random() % 20,
          [](Bytes) { return true; }, "seed " + std::to_string(seed));
    }
  }
}

}  // namespace
}  // namespace fairlead
