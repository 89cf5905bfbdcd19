#include "server/api/text_template.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace fairlead {
namespace {

std::string rendered(std::string_view source) {
  const PeerAddress peer = PeerAddress::from_ipv4({127, 0, 0, 1}, 45246);
  std::string out;
  TextTemplate(std::string(source)).render(out, {.text = "你好", .len = 4, .peer = peer, .id = 7});
  return out;
}

TEST(TextTemplate, FillsEveryPlaceholder) {
  EXPECT_EQ(rendered("{text}|{len}|{ip}|{port}|{peer}|{id}"),
            "你好|4|127.0.0.1|45246|('127.0.0.1', 45246)|7");
}

TEST(TextTemplate, KeepsWhatIsNoPlaceholder) {
  EXPECT_EQ(rendered("{} { text } {Text} {{text}} {len"), "{} { text } {Text} {你好} {len");
  EXPECT_EQ(rendered(""), "");
}

TEST(TextTemplate, KnowsWhenItIsLiteral) {
  EXPECT_EQ(TextTemplate("好的,收到.").literal(), "好的,收到.");
  EXPECT_EQ(TextTemplate("").literal(), "");
  EXPECT_EQ(TextTemplate("a {len}").literal(), std::nullopt);
}

// A reload replaces the settings that a text came from while its old service still says it.
TEST(TextTemplate, OwnsItsTextAlsoAfterACopyAndAMove) {
  auto text = std::make_unique<std::string>("a {len} b");
  TextTemplate original(*text);
  text.reset();
  const TextTemplate copy = original;
  const TextTemplate moved = std::move(original);
  const PeerAddress peer;
  for (const TextTemplate& each : {copy, moved}) {
    std::string out;
    each.render(out, {.text = "", .len = 4, .peer = peer, .id = 7});
    EXPECT_EQ(out, "a 4 b");
  }
}

TEST(TextTemplate, NamesTheFirstUnknownPlaceholder) {
  EXPECT_EQ(TextTemplate::unknown_placeholder("{text} {name} {nome}"), "{name}");
  EXPECT_EQ(TextTemplate::unknown_placeholder("{text} {A} { name }"), std::nullopt);
}

TEST(TextTemplate, NamesTheFirstPlaceholderThatIsNotClosed) {
  EXPECT_EQ(TextTemplate::unclosed_placeholder("{len"), "{len");
  EXPECT_EQ(TextTemplate::unclosed_placeholder("{text} {id bytes, {len"), "{id");
  for (const char* fine : {"{text}", "{", "{ len", "{length", "{len {text}", "{\"len", "len"})
    EXPECT_EQ(TextTemplate::unclosed_placeholder(fine), std::nullopt) << fine;
}

TEST(TextTemplate, CountsItsTexts) {
  EXPECT_EQ(times_of_text("{text}{len}{text} {Text}"), 2U);
  EXPECT_EQ(times_of_text(""), 0U);
}

}  // namespace
}  // namespace fairlead
