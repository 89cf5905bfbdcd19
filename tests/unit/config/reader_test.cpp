#include "common/config/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/fake_files.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Files = std::map<std::string, std::string>;

ConfigInput read(const Files& texts, const Environment& environment = {}) {
  FakeFiles files(texts);
  ConfigInput input;
  read_config_file(input, "main.conf", files, environment);
  return input;
}

ConfigInput read_text(const std::string& text, const Environment& environment = {}) {
  return read(Files{{"main.conf", text}}, environment);
}

std::vector<std::string> errors(const ConfigInput& input) {
  std::vector<std::string> result;
  for (const auto& error : input.errors) result.push_back(error.text());
  return result;
}

// "section.key=value @ file:line"
std::vector<std::string> said(const ConfigInput& input) {
  std::vector<std::string> result;
  for (const auto& [section, key, value, origin] : input.assignments)
    result.push_back(section + "." + key + "=" + value + " @ " + origin.text());
  return result;
}

TEST(Reader, ReadsSectionsAndKeysWithTheirLines) {
  const auto input = read_text(
      "# comment\n"
      "\n"
      "[server]\n"
      "name = one # rest\n"
      "  [ listener.main ]   # named\n"
      "\tbind=:1\n"
      "[empty]");
  EXPECT_THAT(errors(input), IsEmpty());
  EXPECT_THAT(said(input),
              ElementsAre("server.name=one @ main.conf:4", "listener.main.bind=:1 @ main.conf:6"));
  ASSERT_EQ(input.sections.size(), 3U);
  EXPECT_EQ(input.sections[1].name, "listener.main");
  EXPECT_EQ(input.sections[2].origin.text(), "main.conf:7");
}

TEST(Reader, ReadsFilesOfOtherEditors) {
  EXPECT_THAT(said(read_text("\xEF\xBB\xBF[a]\r\nb = c\r\n")), ElementsAre("a.b=c @ main.conf:2"));
  EXPECT_THAT(said(read_text("[a]\nb = \"c\"\r\n")), ElementsAre("a.b=c @ main.conf:2"));
  EXPECT_THAT(errors(read_text("")), IsEmpty());
  EXPECT_THAT(errors(read_text("\xEF\xBB\xBF")), IsEmpty());
}

TEST(Reader, FillsVariablesInFromTheEnvironmentItIsGiven) {
  EXPECT_THAT(said(read_text("[a]\nb = ${X}/${Y:-y}\n", {{"X", "x"}})),
              ElementsAre("a.b=x/y @ main.conf:2"));
  EXPECT_THAT(
      errors(read_text("[a]\nb = ${X}\n")),
      ElementsAre(
          "main.conf:2: a.b: the variable X is not set, and ${X:-default} gives no default"));
}

struct BadLine {
  std::string line;
  std::string error;
};

TEST(Reader, SaysWhatIsWrongWithALine) {
  const BadLine lines[] = {
      {"nonsense", R"("nonsense" is neither [section] nor key = value)"},
      {"Key = 1", R"("Key" is not a key: write lower-case letters, digits and single _)"},
      {" = 1", R"("" is not a key: write lower-case letters, digits and single _)"},
      {"a__b = 1", R"("a__b" is not a key: write lower-case letters, digits and single _)"},
      {"a.b = 1", R"("a.b" is not a key: write lower-case letters, digits and single _)"},
      {"[a", R"("[a" lacks its ])"},
      {"[a] b", R"("b" stands behind the section's name)"},
      {"[a]#b", R"("#b" stands behind the section's name)"},
      {"[]",
       R"("[]" is not [section] or [section.name] of lower-case letters, digits and single _)"},
      {"[A]",
       R"("[A]" is not [section] or [section.name] of lower-case letters, digits and single _)"},
      {"[a.]",
       R"("[a.]" is not [section] or [section.name] of lower-case letters, digits and single _)"},
      {"[a.b.c]",
       R"("[a.b.c]" is not [section] or [section.name] of lower-case letters, digits and single _)"},
      {"k = \"x", "ok.k: the closing quote is missing"},
      {"k = \x01", "a control byte: write it as \\xNN within quotes"},
      {"k = a\rb", "a control byte: write it as \\xNN within quotes"},
      {"k = \x7f", "a control byte: write it as \\xNN within quotes"},
      {std::string("k = \0", 5), "a NUL byte: is this a text file?"},
      {"k = \xba\xc3", "not UTF-8: save the file as UTF-8, or write bytes as \\xNN within quotes"},
      {"k = " + std::string(kConfigLineBytesMax - 3, 'x'), "longer than 65536 bytes"},
      {"include = ", "include: names no file"},
      {"include = \"a", "include: the closing quote is missing"},
      {"include = \"a\\x00\"", "include: a path cannot hold a NUL byte"},
      {"include = none.conf", R"(include: "none.conf" cannot be read: No such file or directory)"},
  };
  for (const auto& [line, error] : lines)
    EXPECT_THAT(errors(read_text("[ok]\n" + line + "\n[ok]\n")),
                ElementsAre("main.conf:2: " + error));
}

TEST(Reader, WarnsOfACommentThatMayBePartOfAText) {
  const auto warned = [](const std::string& line) {
    FakeFiles files({{"f", "[service.x]\n" + line + "\n"}});
    ConfigInput input;
    read_config_file(input, "f", files, {});
    EXPECT_TRUE(input.errors.empty());
    return !input.warnings.empty();
  };
  EXPECT_TRUE(warned("greeting = #1 in town"));
  EXPECT_TRUE(warned("text = we are #1"));
  for (const char* line : {"greeting = # not yet", "greeting = \"#1 in town\"", "greeting = hi #",
                           "greeting = a#1", "greeting = hi  # say so", "greeting = hi ## really",
                           "close_after = 1 #once", "greeting = \"hi\" #1"})
    EXPECT_FALSE(warned(line)) << line;
}

TEST(Reader, TakesTheLongestLine) {
  const auto input = read_text("[a]\nk = " + std::string(kConfigLineBytesMax - 4, 'x'));
  EXPECT_THAT(errors(input), IsEmpty());
  EXPECT_EQ(input.assignments.at(0).value.size(), kConfigLineBytesMax - 4);
}

TEST(Reader, RefusesKeysBeforeTheFirstSection) {
  EXPECT_THAT(errors(read_text("name = x\n")),
              ElementsAre("main.conf:1: name: stands before the first [section]"));
}

TEST(Reader, SkipsTheKeysOfABrokenHeader) {
  const auto input = read_text("[a]\n[B]\nk = 1\n[c]\nk = 2\n");
  EXPECT_EQ(input.errors.size(), 1U);
  EXPECT_THAT(said(input), ElementsAre("c.k=2 @ main.conf:5"));
}

TEST(Reader, FindsEveryErrorInOneReading) {
  EXPECT_THAT(errors(read_text("junk\n[a]\nK=1\nb = \"\nc = ${NONE}\nd = 1\nd = 2\n")).size(), 5U);
}

TEST(Reader, RefusesAKeyGivenTwiceInOneFileEvenWhenItsSectionIsOpenedAgain) {
  const auto input = read_text("[a]\nk = 1\n[b]\nk = 2\n[a]\nk = 3\n");
  EXPECT_THAT(errors(input), ElementsAre("main.conf:6: a.k: given twice, first in line 2"));
  EXPECT_THAT(said(input), ElementsAre("a.k=1 @ main.conf:2", "b.k=2 @ main.conf:4"));
}

TEST(Reader, PutsIncludedLinesInThePlaceOfTheInclude) {
  const auto input = read({{"main.conf", "[a]\nk = 1\ninclude = more.conf\nl = 4\n"},
                           {"more.conf", "[a]\nk = 2\n[b]\nk = 3\n"}});
  EXPECT_THAT(errors(input), IsEmpty());
  // Back in the including file its own section goes on.
  EXPECT_THAT(said(input), ElementsAre("a.k=1 @ main.conf:2", "a.k=2 @ more.conf:2",
                                       "b.k=3 @ more.conf:4", "a.l=4 @ main.conf:4"));
}

TEST(Reader, GivesAnIncludedFileNoSection) {
  const auto input = read({{"main.conf", "[a]\ninclude = more.conf\n"}, {"more.conf", "k = 2\n"}});
  EXPECT_THAT(errors(input), ElementsAre("more.conf:1: k: stands before the first [section]"));
}

TEST(Reader, ReadsThePatternsFilesInTheOrderOfTheirNames) {
  const auto input = read({{"main.conf", "include = conf.d/*.conf\n"},
                           {"conf.d/20.conf", "[a]\nk = 20\n"},
                           {"conf.d/10.conf", "[a]\nk = 10\n"},
                           {"conf.d/B.conf", "[a]\nk = B\n"},
                           {"conf.d/30.txt", "[a]\nk = 30\n"},
                           {"conf.d/.hidden.conf", "[a]\nk = hidden\n"}});
  EXPECT_THAT(said(input), ElementsAre("a.k=10 @ conf.d/10.conf:2", "a.k=20 @ conf.d/20.conf:2",
                                       "a.k=B @ conf.d/B.conf:2"));
}

TEST(Reader, LetsAPatternMatchNothing) {
  EXPECT_THAT(errors(read_text("include = conf.d/*.conf\n")), IsEmpty());
}

TEST(Reader, TakesIncludesRelativeToTheFileThatSaysThem) {
  const auto input = read({{"main.conf", "include = sub/a.conf\n"},
                           {"sub/a.conf", "include = b.conf\ninclude = /abs.conf\n"},
                           {"sub/b.conf", "[b]\nk = 1\n"},
                           {"/abs.conf", "[abs]\nk = 2\n"}});
  EXPECT_THAT(errors(input), IsEmpty());
  EXPECT_THAT(said(input), ElementsAre("b.k=1 @ sub/b.conf:2", "abs.k=2 @ /abs.conf:2"));
}

TEST(Reader, ReportsIncludesInACircleWithTheWholeWay) {
  const auto input = read({{"main.conf", "include = a.conf\n"},
                           {"a.conf", "[a]\ninclude = b.conf\n"},
                           {"b.conf", "include = a.conf\n[b]\nk = 1\n"}});
  EXPECT_THAT(errors(input), ElementsAre("b.conf:1: include: files include each other in a circle: "
                                         "a.conf -> b.conf -> a.conf"));
  EXPECT_THAT(said(input), ElementsAre("b.k=1 @ b.conf:3"));
  EXPECT_THAT(
      errors(read_text("include = main.conf\n")),
      ElementsAre(
          "main.conf:1: include: files include each other in a circle: main.conf -> main.conf"));
}

TEST(Reader, BoundsTheDepthOfIncludes) {
  Files files{{"main.conf", "include = 1.conf\n"}};
  for (int i = 1; i < 9; ++i)
    files[std::to_string(i) + ".conf"] = "include = " + std::to_string(i + 1) + ".conf\n";
  files["9.conf"] = "[a]\nk = 1\n";
  const auto input = read(files);
  EXPECT_THAT(errors(input), ElementsAre("7.conf:1: include: more than 8 files within each other"));
}

TEST(Reader, BoundsTheNumberOfFiles) {
  // Eight files that each include all the ones behind them twice: without a bound, thousands of
  // readings.
  Files files{{"main.conf", ""}};
  std::string all;
  for (int i = 0; i < 200; ++i) all += "include = leaf.conf\n";
  files["leaf.conf"] = "[a]\n";
  files["wide.conf"] = all;
  for (int i = 0; i < 50; ++i) files["main.conf"] += "include = wide.conf\n";
  const auto input = read(files);
  EXPECT_EQ(input.sections.size(), kConfigFilesMax - 6);  // main, and wide five times
  EXPECT_THAT(errors(input), ElementsAre("wide.conf:195: include: more than 1000 files"));
}

TEST(Reader, ReportsFilesThatCannotBeRead) {
  EXPECT_THAT(errors(read({})),
              ElementsAre("main.conf: cannot be read: No such file or directory"));
  FakeFiles files({{"main.conf", "include = *.secret\n"}, {"x.secret", ""}});
  files.forbid("x.secret");
  ConfigInput input;
  read_config_file(input, "main.conf", files, {});
  EXPECT_THAT(errors(input),
              ElementsAre(R"(main.conf:1: include: "x.secret" cannot be read: Permission denied)"));
}

}  // namespace
}  // namespace fairlead
