#include "common/text/escape.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "common/text/encoding.hpp"

namespace fairlead {
namespace {

using namespace std::string_view_literals;

std::string json(Bytes text, std::size_t bytes_max = 4096) {
  std::string out;
  append_json_string(out, text, bytes_max);
  return out;
}

void append_code_point(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
  } else {
    out += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
            static_cast<char>(0x80 | (code & 0x3F))};
  }
}

// Reads one JSON string literal as RFC 8259 has it; nothing when it is none. Surrogate pairs are
// never written here.
std::optional<std::string> parsed(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != '"' || literal.back() != '"' || !is_utf8(literal))
    return std::nullopt;
  literal = literal.substr(1, literal.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < literal.size(); ++i) {
    if (literal[i] == '"' || octet(literal[i]) < 0x20) return std::nullopt;
    if (literal[i] != '\\') {
      out += literal[i];
      continue;
    }
    if (++i == literal.size()) return std::nullopt;
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t at = kLetters.find(literal[i]); at != kLetters.npos) {
      out += kMeanings[at];
    } else {
      if (literal[i] != 'u' || literal.size() - i < 5) return std::nullopt;
      append_code_point(out, static_cast<std::uint32_t>(
                                 std::stoul(std::string(literal.substr(i + 1, 4)), nullptr, 16)));
      i += 4;
    }
  }
  return out;
}

// What every output of this file must be free of, whatever went in.
bool is_safe_to_show(const std::string& shown) {
  if (!is_utf8(shown)) return false;
  for (char c : shown) {
    if (octet(c) < 0x20 || octet(c) == 0x7F) return false;
  }
  for (std::uint32_t code = 0x80; code <= 0xFFFF; ++code) {
    const bool control = code <= 0x9F || code == 0x61C || code == 0x200E || code == 0x200F ||
                         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
                         code == 0xFEFF;
    if (!control) continue;
    std::string forbidden;
    append_code_point(forbidden, code);
    if (shown.find(forbidden) != shown.npos) return false;
  }
  return true;
}

TEST(Escape, EveryAsciiByteIsKeptOrMadeVisible) {
  for (int byte = 0; byte < 0x80; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    std::string expected = text;
    if (byte < 0x20 || byte == 0x7F) {
      expected = std::string("\\x") + "01234567"[byte >> 4] + "0123456789abcdef"[byte & 15];
    }
    if (byte == '\n') expected = "\\n";
    if (byte == '\r') expected = "\\r";
    if (byte == '\t') expected = "\\t";
    if (byte == '\\') expected = "\\\\";
    EXPECT_EQ(escaped(text), expected) << byte;
  }
}

TEST(Escape, EveryLoneHighByteIsShownAsHex) {
  for (int byte = 0x80; byte <= 0xFF; ++byte) {
    const std::string expected =
        std::string("\\x") + "0123456789abcdef"[byte >> 4] + "0123456789abcdef"[byte & 15];
    EXPECT_EQ(escaped(std::string(1, static_cast<char>(byte))), expected);
  }
}

TEST(Escape, SequencesThatSteerATerminalOrForgeALineAreVisible) {
  EXPECT_EQ(escaped("\x1B[2J\x1B]0;title\x07"), "\\x1b[2J\\x1b]0;title\\x07");
  EXPECT_EQ(escaped("bye\r\n[info] forged"), "bye\\r\\n[info] forged");
  EXPECT_EQ(escaped("\u009B31m\u0085\u0080\u009F"), "\\u{009b}31m\\u{0085}\\u{0080}\\u{009f}");
  EXPECT_EQ(escaped("a\u202Egnp.exe"), "a\\u{202e}gnp.exe");
  EXPECT_EQ(escaped("\u061C\u200E\u200F\u202A\u202E\u2066\u2069"),
            "\\u{061c}\\u{200e}\\u{200f}\\u{202a}\\u{202e}\\u{2066}\\u{2069}");
  EXPECT_EQ(escaped("\u2028\u2029\uFEFF"), "\\u{2028}\\u{2029}\\u{feff}");
  EXPECT_EQ(escaped("a\0b"sv), "a\\x00b");
}

TEST(Escape, WhatOnlyLooksLikeAnEscapeIsTold) { EXPECT_EQ(escaped("\\x1b"), "\\\\x1b"); }

TEST(Escape, EverythingElseIsKept) {
  const std::string text =
      "ok, 问题正在处理中... é \u00A0\u061B\u200D\u2027\u202F\u2065\u206A \U0001F600 \U0010FFFF "
      "\"'";
  EXPECT_EQ(escaped(text), text);
}

TEST(Escape, BytesThatAreNotUtf8AreShownEach) {
  EXPECT_EQ(escaped("\xBA\xC3,"), "\\xba\\xc3,");
  EXPECT_EQ(escaped("a\xE4\xBD"), "a\\xe4\\xbd");
  EXPECT_EQ(escaped("\xED\xA0\x80\xC0\x80"), "\\xed\\xa0\\x80\\xc0\\x80");
}

TEST(Escape, NamesWhatIsCutOffAndTearsNoCharacter) {
  EXPECT_EQ(escaped("abcdef", 6), "abcdef");
  EXPECT_EQ(escaped("abcdef", 4), "abcd...(+2 bytes)");
  EXPECT_EQ(escaped("ab你好", 4), "ab...(+6 bytes)");
  EXPECT_EQ(escaped("ab你好", 5), "ab你...(+3 bytes)");
  EXPECT_EQ(escaped("abc\xE4\xBD", 4), "abc\\xe4...(+1 bytes)");
  EXPECT_EQ(escaped("abc", 0), "...(+3 bytes)");
  EXPECT_EQ(escaped("", 0), "");
  EXPECT_EQ(escaped(std::string(5000, 'x')), std::string(4096, 'x') + "...(+904 bytes)");
}

TEST(Escape, Appends) {
  std::string out = "peer said: ";
  append_escaped(out, "hi\n");
  EXPECT_EQ(out, "peer said: hi\\n");
}

TEST(JsonString, IsWrittenAsRfc8259Has) {
  EXPECT_EQ(json(""), "\"\"");
  EXPECT_EQ(json("say \"hi\"\\\n\r\t"), R"("say \"hi\"\\\n\r\t")");
  EXPECT_EQ(json("\x01\x1B\x7F\0"sv), R"("\u0001\u001b\u007f\u0000")");
  EXPECT_EQ(json("\u0085\u202E\u2028\uFEFF"), R"("\u0085\u202e\u2028\ufeff")");
  EXPECT_EQ(json("你好\U0001F600"), "\"你好\U0001F600\"");
  EXPECT_EQ(json("a\xE4\xBDz\xFF"), "\"a\uFFFDz\uFFFD\"");
}

TEST(JsonString, NamesWhatIsCutOffInsideTheQuotes) {
  EXPECT_EQ(json("ab你好", 4), "\"ab...(+6 bytes)\"");
  EXPECT_EQ(json("\"\"\"", 1), "\"\\\"...(+2 bytes)\"");
}

TEST(JsonString, EveryCodePointOfTheFirstPlaneIsReadBack) {
  for (std::uint32_t code = 0; code <= 0xFFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_code_point(text, code);
    ASSERT_EQ(parsed(json(text)), text) << code;
  }
}

TEST(Escape, RandomBytesAreAlwaysSafeToShow) {
  for (std::uint32_t seed = 1; seed <= 500; ++seed) {
    std::mt19937 random(seed);
    std::string bytes;
    for (std::size_t left = random() % 40; left > 0; --left) {
      if (random() % 2 == 0) {
        bytes += static_cast<char>(random() % 256);
      } else {
        append_code_point(bytes, random() % 2 == 0 ? 0x2000 + random() % 0x80 : random() % 0x100);
      }
    }
    const std::size_t bytes_max = random() % 50;
    ASSERT_TRUE(is_safe_to_show(escaped(bytes, bytes_max))) << "seed " << seed;
    ASSERT_TRUE(is_safe_to_show(json(bytes, bytes_max))) << "seed " << seed;

    std::string repaired;
    append_utf8(repaired, bytes, Encoding::utf8);
    ASSERT_EQ(parsed(json(bytes)), repaired) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fairlead
