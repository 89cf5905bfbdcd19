#include "common/config/quoting.hpp"

#include <gtest/gtest.h>

#include <random>

namespace fairlead {
namespace {

const Environment kEnvironment{
    {"HOME", "/home/ming"}, {"EMPTY", ""}, {"ODD", R"(a # "b" \n ${HOME})"}};

std::string value(std::string_view raw) {
  const auto parsed = read_value(raw, kEnvironment);
  EXPECT_TRUE(parsed) << parsed.error().what;
  return parsed.value_or("(refused)");
}

std::string error(std::string_view raw) {
  const auto parsed = read_value(raw, kEnvironment);
  EXPECT_FALSE(parsed) << raw;
  return parsed ? "" : parsed.error().what;
}

TEST(Quoting, TrimsBareValues) {
  EXPECT_EQ(value(" \t a b \t"), "a b");
  EXPECT_EQ(value(""), "");
  EXPECT_EQ(value("  "), "");
}

TEST(Quoting, StartsCommentsOnlyBehindWhiteSpace) {
  EXPECT_EQ(value(" a # b"), "a");
  EXPECT_EQ(value(" a\t#b"), "a");
  EXPECT_EQ(value(" a#b"), "a#b");
  EXPECT_EQ(value("# all"), "");
  EXPECT_EQ(value(" # all"), "");
}

TEST(Quoting, KeepsEverythingWithinQuotes) {
  EXPECT_EQ(value(R"( " a # b " )"), " a # b ");
  EXPECT_EQ(value(R"("")"), "");
  EXPECT_EQ(value(R"("a" # comment)"), "a");
  EXPECT_EQ(value(R"(a "b" c)"), R"(a "b" c)");
}

TEST(Quoting, KnowsTheEscapes) {
  EXPECT_EQ(value(R"("\n\t\r\\\"\$\x00\x1B\xff")"), std::string("\n\t\r\\\"$\0\x1b\xff", 9));
  EXPECT_EQ(value(R"(\n is two characters here)"), R"(\n is two characters here)");
}

TEST(Quoting, FillsVariablesIn) {
  EXPECT_EQ(value("${HOME}/x"), "/home/ming/x");
  EXPECT_EQ(value(R"("${HOME}/x ")"), "/home/ming/x ");
  EXPECT_EQ(value("${NONE:-/srv}/x"), "/srv/x");
  EXPECT_EQ(value("${HOME:-/srv}"), "/home/ming");
  EXPECT_EQ(value("${NONE:-}"), "");
  EXPECT_EQ(value("[${EMPTY}]"), "[]");
  EXPECT_EQ(value("${EMPTY:-full}"), "full");
  EXPECT_EQ(value("$HOME $ {"), "$HOME $ {");
  EXPECT_EQ(value(R"("\${HOME}")"), "${HOME}");
}

TEST(Quoting, TakesVariablesAsTheyAre) {
  EXPECT_EQ(value("${ODD}"), R"(a # "b" \n ${HOME})");
  EXPECT_EQ(value(R"("${ODD}")"), R"(a # "b" \n ${HOME})");
}

TEST(Quoting, SaysWhatIsWrong) {
  EXPECT_EQ(error(R"("a)"), "the closing quote is missing");
  EXPECT_EQ(error(R"("a\")"), "the closing quote is missing");
  EXPECT_EQ(error(R"("a" b)"), R"("b" stands behind the closing quote)");
  EXPECT_EQ(error(R"("a"#b)"), R"("#b" stands behind the closing quote)");
  EXPECT_EQ(error(R"("\q")"), R"("\\q" is no escape: there are \n \t \r \\ \" \$ and \xNN)");
  EXPECT_EQ(error(R"("\)"), R"("\\" is no escape: there are \n \t \r \\ \" \$ and \xNN)");
  EXPECT_EQ(error(R"("\x1")"), "\\x needs two hexadecimal digits");
  EXPECT_EQ(error(R"("\xzz")"), "\\x needs two hexadecimal digits");
  EXPECT_EQ(error(R"("\x)"), "\\x needs two hexadecimal digits");
  EXPECT_EQ(error("${NONE}"),
            "the variable NONE is not set, and ${NONE:-default} gives no default");
  EXPECT_EQ(error("${HOME"), "${ without its }");
  EXPECT_EQ(error("${}"), R"("${}" names no variable: write ${VAR} or ${VAR:-default})");
  EXPECT_EQ(error("${1A}"), R"("${1A}" names no variable: write ${VAR} or ${VAR:-default})");
  EXPECT_EQ(error("${A-b}"), R"("${A-b}" names no variable: write ${VAR} or ${VAR:-default})");
  EXPECT_EQ(error("${NONE:-${HOME}}"), "${ within ${ is not possible");
}

TEST(Quoting, WritesBareWhatNeedsNoQuotes) {
  EXPECT_EQ(written_value("127.0.0.1:7878, [::1]:7878"), "127.0.0.1:7878, [::1]:7878");
  EXPECT_EQ(written_value("好的,收到."), "好的,收到.");
  EXPECT_EQ(written_value(""), "");
  EXPECT_EQ(written_value(" a"), R"(" a")");
  EXPECT_EQ(written_value("a # b"), R"("a # b")");
  EXPECT_EQ(written_value("a\nb"), R"("a\nb")");
  EXPECT_EQ(written_value("${A}"), R"("\${A}")");
  EXPECT_EQ(written_value("\xff"), R"("\xff")");
}

TEST(Quoting, ReadsBackWhatItWrites) {
  constexpr std::string_view kPieces[] = {" ", "#",  "\"", "\\", "$",    "{", "}",
                                          "a", "好", "\n", "\t", "\xff", ":-"};
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto left = random() % 8; left > 0; --left) text += kPieces[random() % std::size(kPieces)];
    if (random() % 8 == 0) text += '\0';
    ASSERT_EQ(value(written_value(text)), text) << "round " << round;
  }
}

}  // namespace
}  // namespace fairlead
