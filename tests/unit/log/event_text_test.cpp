#include "common/log/event_text.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace fairlead {
namespace {

std::string text_of(std::string_view event, std::vector<Field> fields = {}) {
  std::string out;
  append_event_text(out, Level::info, event, fields);
  return out;
}

std::string json_of(std::string_view event, std::vector<Field> fields = {}) {
  std::string out = "{";
  append_event_json(out, Level::warn, event, fields);
  return out + "}";
}

std::string utf8(std::uint32_t code) {
  std::string out;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
  return out;
}

// Reads the text format back: words and values, unquoted and unescaped.
struct TextReader {
  std::string_view rest;

  std::string word() {
    const bool quoted = !rest.empty() && rest.front() == '"';
    if (quoted) rest.remove_prefix(1);
    std::string out;
    while (!rest.empty()) {
      const char c = rest.front();
      if (quoted ? c == '"' : c == ' ' || c == '=') break;
      rest.remove_prefix(1);
      out += c == '\\' ? escape() : std::string(1, c);
    }
    if (quoted) expect('"');
    return out;
  }

  void expect(char c) {
    ASSERT_FALSE(rest.empty());
    EXPECT_EQ(rest.front(), c);
    rest.remove_prefix(1);
  }

 private:
  std::string escape() {
    const char kind = rest.front();
    rest.remove_prefix(1);
    switch (kind) {
      case 'n':
        return "\n";
      case 'r':
        return "\r";
      case 't':
        return "\t";
      case 'x': {
        const std::string digits(rest.substr(0, 2));
        rest.remove_prefix(2);
        return std::string(1, static_cast<char>(std::stoi(digits, nullptr, 16)));
      }
      case 'u': {
        const std::size_t end = rest.find('}');
        const std::string digits(rest.substr(1, end - 1));
        rest.remove_prefix(end + 1);
        return utf8(static_cast<std::uint32_t>(std::stoul(digits, nullptr, 16)));
      }
      default:
        return std::string(1, kind);  // \\ and \"
    }
  }
};

// Reads a JSON object of strings strictly enough for a wrong escape to fail.
struct JsonReader {
  std::string_view rest;

  void expect(char c) {
    ASSERT_FALSE(rest.empty());
    ASSERT_EQ(rest.front(), c);
    rest.remove_prefix(1);
  }

  std::string string() {
    std::string out;
    expect('"');
    while (!rest.empty() && rest.front() != '"') {
      const char c = rest.front();
      rest.remove_prefix(1);
      EXPECT_GE(static_cast<unsigned char>(c), 0x20) << "a control in a JSON string";
      if (c != '\\') {
        out += c;
        continue;
      }
      const char kind = rest.front();
      rest.remove_prefix(1);
      const std::string_view kinds = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
      if (kind == 'u') {
        out += utf8(
            static_cast<std::uint32_t>(std::stoul(std::string(rest.substr(0, 4)), nullptr, 16)));
        rest.remove_prefix(4);
      } else {
        const std::size_t at = kinds.find(kind);
        EXPECT_NE(at, std::string_view::npos) << "an escape JSON does not know";
        if (at != std::string_view::npos) out += meanings[at];
      }
    }
    expect('"');
    return out;
  }
};

bool is_one_safe_line(const std::string& line) {
  for (const char c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  return true;
}

TEST(EventText, WritesLevelEventAndFields) {
  EXPECT_EQ(text_of("listening", {field("listener", "main"), field("address", "127.0.0.1:7878")}),
            "info listening listener=main address=127.0.0.1:7878");
  EXPECT_EQ(text_of("stopped"), "info stopped");
}

TEST(EventText, WritesNumbersAndBools) {
  EXPECT_EQ(text_of("e", {field("a", std::numeric_limits<std::int64_t>::min()),
                          field("b", std::numeric_limits<std::uint64_t>::max()), field("c", 0.25),
                          field("d", true), field("e", false), field("f", std::uint16_t{7878}),
                          field("g", -1)}),
            "info e a=-9223372036854775808 b=18446744073709551615 c=0.25 d=true e=false f=7878 "
            "g=-1");
}

TEST(EventText, QuotesWhatIsNotOneWord) {
  EXPECT_EQ(text_of("e", {field("a", "")}), "info e a=\"\"");
  EXPECT_EQ(text_of("e", {field("a", "two words")}), "info e a=\"two words\"");
  EXPECT_EQ(text_of("e", {field("a", "x=y")}), "info e a=\"x=y\"");
  EXPECT_EQ(text_of("e", {field("a", "say \"hi\"")}), "info e a=\"say \\\"hi\\\"\"");
  EXPECT_EQ(text_of("e", {field("a", "\\")}), "info e a=\"\\\\\"");
  EXPECT_EQ(text_of("e", {field("a", "x\ninfo forged")}), "info e a=\"x\\ninfo forged\"");
  EXPECT_EQ(text_of("e", {field("a", "好的,收到.")}), "info e a=好的,收到.");
}

TEST(EventText, EveryByteIsSafeAndCanBeReadBack) {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    for (const std::string& word :
         {std::string(1, c), std::string("a") + c + "b", std::string(3, c)}) {
      const std::string line = text_of(word, {field(word, word), field("last", 1)});
      ASSERT_TRUE(is_one_safe_line(line)) << value;
      TextReader reader{line};
      EXPECT_EQ(reader.word(), "info");
      reader.expect(' ');
      EXPECT_EQ(reader.word(), word) << value;
      reader.expect(' ');
      EXPECT_EQ(reader.word(), word) << value;
      reader.expect('=');
      EXPECT_EQ(reader.word(), word) << value;
      EXPECT_EQ(reader.rest, " last=1") << value;
    }
  }
}

TEST(EventText, AnyBytesCanBeReadBack) {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string word(1 + random() % 40, '\0');
    for (char& c : word)
      c = round % 2 == 0 ? static_cast<char>(random()) : "a \"\\=\n\xE5\xA5"[random() % 8];
    const std::string line = text_of("e", {field("v", word)});
    ASSERT_TRUE(is_one_safe_line(line));
    TextReader reader{line};
    ASSERT_EQ(reader.word(), "info");
    reader.expect(' ');
    ASSERT_EQ(reader.word(), "e");
    reader.expect(' ');
    ASSERT_EQ(reader.word(), "v");
    reader.expect('=');
    ASSERT_EQ(reader.word(), word);
    ASSERT_TRUE(reader.rest.empty());
  }
}

TEST(EventJson, WritesTypedFields) {
  EXPECT_EQ(
      json_of("e", {field("text", "7"), field("signed", -7), field("unsigned", 7u),
                    field("real", 0.5), field("flag", true)}),
      R"({"level":"warn","event":"e","text":"7","signed":-7,"unsigned":7,"real":0.5,"flag":true})");
}

TEST(EventJson, WritesNullForWhatJsonHasNoNumberFor) {
  EXPECT_EQ(json_of("e", {field("a", std::numeric_limits<double>::infinity()),
                          field("b", std::numeric_limits<double>::quiet_NaN())}),
            R"({"level":"warn","event":"e","a":null,"b":null})");
}

TEST(EventJson, EveryByteParses) {
  for (int value = 0; value < 256; ++value) {
    const std::string word(1, static_cast<char>(value));
    const std::string expected = value < 0x80 ? word : "\xEF\xBF\xBD";
    const std::string object = json_of(word, {field(word, word)});
    ASSERT_TRUE(is_one_safe_line(object)) << value;
    JsonReader reader{object};
    reader.expect('{');
    EXPECT_EQ(reader.string(), "level");
    reader.expect(':');
    EXPECT_EQ(reader.string(), "warn");
    reader.expect(',');
    EXPECT_EQ(reader.string(), "event");
    reader.expect(':');
    EXPECT_EQ(reader.string(), expected) << value;
    reader.expect(',');
    EXPECT_EQ(reader.string(), expected) << value;
    reader.expect(':');
    EXPECT_EQ(reader.string(), expected) << value;
    EXPECT_EQ(reader.rest, "}") << value;
  }
}

TEST(Level, IsFoundByItsNameOnly) {
  for (const Level level : {Level::debug, Level::info, Level::warn, Level::error, Level::off}) {
    EXPECT_EQ(level_named(name_of(level)), level);
  }
  EXPECT_EQ(level_named("warning"), std::nullopt);
  EXPECT_EQ(level_named(""), std::nullopt);
}

}  // namespace
}  // namespace fairlead
