#include "client/bench/workload/message_source.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/bench/engine/allocations.hpp"
#include "tests/unit/bench/setting_error.hpp"

namespace fairlead {
namespace {

std::string made(const MessageSource& source, const MessageKey& key) {
  std::string scratch;
  return std::string(source.message(key, scratch));
}

std::string refusal(const MessageSettings& settings) {
  return setting_error([&] { MessageSource(settings, 1); });
}

TEST(MessageSource, ShowsLettersWithoutCopyingThem) {
  const MessageSource source({.size_min = 64, .size_max = 64}, 1);
  std::string scratch;
  const Bytes message = source.message({}, scratch);
  EXPECT_EQ(message.size(), 64U);
  EXPECT_TRUE(scratch.empty());
  EXPECT_EQ(
      message.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
      Bytes::npos);
}

TEST(MessageSource, MakesTheSameMessageForTheSameKeyOnly) {
  for (const bool ends_lines : {false, true}) {
    const MessageSettings settings{.size_min = 16, .size_max = 16, .ends_lines = ends_lines};
    const MessageSource source(settings, 1);
    const MessageSource other_seed(settings, 2);
    EXPECT_EQ(made(source, {5, 3, 1}), made(source, {5, 3, 1}));
    EXPECT_NE(made(source, {5, 3, 1}), made(other_seed, {5, 3, 1}));

    std::set<std::string> of_a_connection, firsts;
    for (std::uint64_t i = 0; i < 4096; ++i) {
      of_a_connection.insert(made(source, {i, 3, i}));
      firsts.insert(made(source, {i, static_cast<std::uint32_t>(i), 0}));
    }
    EXPECT_EQ(of_a_connection.size(), 4096U);
    EXPECT_EQ(firsts.size(), 4096U);
  }
}

TEST(MessageSource, TakesEachSizeOfTheRange) {
  const MessageSource source({.size_min = 3, .size_max = 10}, 1);
  EXPECT_EQ(source.bytes_max(), 10U);
  std::set<std::size_t> sizes;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    sizes.insert(made(source, {i, 0, i}).size());
    EXPECT_EQ(made(source, {i, 0, i}), made(source, {i, 0, i}));
  }
  EXPECT_EQ(sizes, (std::set<std::size_t>{3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(MessageSource, EndsLinesOnce) {
  const MessageSource letters({.size_min = 1, .size_max = 8, .ends_lines = true}, 1);
  for (std::uint64_t i = 0; i < 100; ++i)
    EXPECT_EQ(made(letters, {i, 0, i}).find('\n'), made(letters, {i, 0, i}).size() - 1);

  const MessageSource texts({.texts = {"a", "b\n", "c{n}\r\n"}, .ends_lines = true}, 1);
  EXPECT_EQ(made(texts, {0, 0, 0}), "a\n");
  EXPECT_EQ(made(texts, {1, 0, 1}), "b\n");
  EXPECT_EQ(made(texts, {2, 0, 2}), "c3\r\n");
}

TEST(MessageSource, TakesTextsInTurnOnEachConnection) {
  const MessageSource source({.texts = {"a", "{id}.{seq}"}}, 1);
  EXPECT_EQ(made(source, {90, 4, 0}), "a");
  EXPECT_EQ(made(source, {91, 4, 1}), "5.2");
  EXPECT_EQ(made(source, {92, 4, 2}), "a");
  EXPECT_EQ(made(source, {93, 5, 0}), "a");
}

TEST(MessageSource, WritesTextsInTheEncoding) {
  const MessageSource source({.texts = {"\u4F60"}, .encoding = Encoding::gbk, .ends_lines = true},
                             1);
  EXPECT_EQ(made(source, {}), "\xC4\xE3\n");
}

TEST(MessageSource, DoesNotAllocatePerMessage) {
  const std::vector<MessageSettings> all{
      {.size_min = 64, .size_max = 64},
      {.size_min = 1, .size_max = 500, .ends_lines = true},
      {.texts = {"constant", "{id} {seq} {n} {rand:160} {zh:200}"}, .encoding = Encoding::gbk}};
  for (const MessageSettings& settings : all) {
    const MessageSource source(settings, 1);
    std::string scratch;
    scratch.reserve(source.bytes_max());
    const std::size_t before = allocations();
    for (std::uint64_t i = 0; i < 1000; ++i)
      EXPECT_LE(source.message({i, 7, i}, scratch).size(), source.bytes_max());
    EXPECT_EQ(allocations(), before);
  }
}

TEST(MessageSource, RejectsImpossibleSizes) {
  EXPECT_EQ(refusal({.size_min = 5, .size_max = 4}),
            "sizes from 5 to 4: the first must not be the greater");
  EXPECT_EQ(refusal({.size_min = 0, .size_max = 4, .ends_lines = true}),
            "a size of 0 bytes leaves no room for the end of the line");
  EXPECT_EQ(refusal({.size_min = 1, .size_max = 1U << 24}),
            "a size of 16777216 bytes: no message is longer than 16777215");
  EXPECT_EQ(refusal({.size_min = 0, .size_max = (1U << 24) - 1}), "");
}

TEST(TextsOfLines, AreOneMessageALine) {
  EXPECT_EQ(texts_of_lines("a\nb\r\n\n{c}"), (std::vector<std::string>{"a", "b", "{{c}}"}));
  EXPECT_EQ(texts_of_lines("a\n"), std::vector<std::string>{"a"});
  EXPECT_NE(setting_error([] { texts_of_lines("\n\r\n"); }), "");
}

}  // namespace
}  // namespace fairlead
