#include "client/api/reply_text.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

EncodingSettings fixed(Encoding encoding) {
  EncodingSettings settings;
  settings.decode = encoding;
  return settings;
}

struct Case {
  EncodingSettings settings;
  std::string reply;
  std::string text;
  std::string torn;
  Encoding encoding;
};

void expect(const Case& want) {
  ClientEncoding encoding(want.settings);
  const ReplyText got = read_reply(encoding, want.reply);
  EXPECT_EQ(got.utf8, want.text);
  EXPECT_EQ(got.torn, want.torn);
  EXPECT_EQ(got.encoding, want.encoding);
}

const std::string kGbk = "\xba\xc3\xb5\xc4,\xca\xd5\xb5\xbd.";  // 好的,收到.

TEST(ReadReply, ReadsMatchingEncodings) {
  expect({{}, "好的,收到.", "好的,收到.", "", Encoding::utf8});
  expect({{}, kGbk, "好的,收到.", "", Encoding::gb18030});
  expect({{}, "plain", "plain", "", Encoding::utf8});
  expect({{}, "", "", "", Encoding::utf8});
  expect({{}, "\xff\xfe\x01", "\xff\xfe\x01", "", Encoding::binary});
}

TEST(ReadReply, Utf8CutAtAnyByteIsStillUtf8) {
  const std::string text = "好的,收到";
  for (std::size_t size = 4; size < text.size(); ++size) {
    const EncodingSettings settings;
    ClientEncoding encoding(settings);
    const std::string cut = text.substr(0, size);
    const ReplyText got = read_reply(encoding, cut);
    EXPECT_EQ(got.encoding, Encoding::utf8) << size;
    EXPECT_EQ(got.utf8 + std::string(got.torn), cut) << size;
    EXPECT_EQ(got.torn.size(), utf8_prefix(cut).unfinished) << size;
  }
}

TEST(ReadReply, GbkCutWithinACharacterIsGbk) {
  expect({{}, kGbk.substr(0, kGbk.size() - 2), "好的,收", "\xb5", Encoding::gb18030});
  const EncodingSettings gbk = fixed(Encoding::gbk);
  expect({gbk, kGbk.substr(0, 3), "好", "\xb5", Encoding::gbk});
}

TEST(ReadReply, ADecidedEncodingStays) {
  const EncodingSettings settings;
  ClientEncoding encoding(settings);
  read_reply(encoding, kGbk);
  // Valid in both: C2 A9 is a letter of GB18030, and a character of UTF-8.
  EXPECT_EQ(read_reply(encoding, "\xc2\xa9").encoding, Encoding::gb18030);
}

TEST(ReadReply, DecidedUtf8IsNotReadAsCutGbk) {
  // F0 9F is a character of GB18030, and 98 begins another one.
  expect({fixed(Encoding::utf8), "a\xf0\x9f\x98", "a", "\xf0\x9f\x98", Encoding::utf8});
  const EncodingSettings settings;
  ClientEncoding encoding(settings);
  read_reply(encoding, "好");
  const ReplyText got = read_reply(encoding, "a\xf0\x9f\x98");
  EXPECT_EQ(got.utf8, "a");
  EXPECT_EQ(got.torn, "\xf0\x9f\x98");
}

TEST(ReadReply, FixedEncodingsAreKept) {
  const EncodingSettings utf8 = fixed(Encoding::utf8);
  expect({utf8, "a\xff", "a\xEF\xBF\xBD", "", Encoding::utf8});
  expect({utf8, "a\xe5", "a", "\xe5", Encoding::utf8});
  const EncodingSettings binary = fixed(Encoding::binary);
  expect({binary, "\xe5\xa5", "\xe5\xa5", "", Encoding::binary});
}

}  // namespace
}  // namespace fairlead
