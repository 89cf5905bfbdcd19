#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/fetch/file_names.hpp"
#include "client/fetch/name_filter.hpp"
#include "client/fetch/part_info.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(LocalNames, OnlyNamesBelowTheFolderHaveComponents) {
  EXPECT_THAT(components_of("a/b c/你好"), ElementsAre("a", "b c", "你好"));
  for (const std::string name : {"", "/a", "a/", "a//b", "..", "a/../b", ".", "a/.", "/"})
    EXPECT_THAT(components_of(name), IsEmpty()) << name;
  EXPECT_THAT(components_of(std::string("a\0b", 3)), IsEmpty());
  EXPECT_THAT(components_of(std::string(256, 'x')), IsEmpty());
}

TEST(LocalNames, AFileIsStoredAsItsLastComponent) {
  for (const std::string name : {"a", "/a", "b/a", "./a", "b//a", "../a", "C:\\b/a"})
    EXPECT_EQ(stored_name(name), "a") << name;
  for (const std::string name : {"", "a/", ".", "..", "a/..", "/"})
    EXPECT_EQ(stored_name(name), "") << name;
  EXPECT_EQ(stored_name(std::string("a\0b", 3)), "");
}

TEST(NameFilter, TakesWhatIsIncludedAndNotExcluded) {
  EXPECT_TRUE(NameFilter().takes_file("a/b"));
  EXPECT_TRUE(NameFilter().takes_directory("a"));
  const NameFilter logs{.include = {"*.log", "top/*"}, .exclude = {"tmp", "old/*.log", "secret*"}};
  for (const char* const name : {"a.log", "b/c/a.log", "top/x", "older/a.log", "old/deep/a.log"})
    EXPECT_TRUE(logs.takes_file(name)) << name;
  for (const char* const name : {"a.txt", "top/b/x", "tmp/a.log", "b/tmp/c/a.log", "old/a.log",
                                 "secret.log", "secrets/a.log"})
    EXPECT_FALSE(logs.takes_file(name)) << name;
  EXPECT_FALSE(logs.takes_directory("b")) << "it is made once a file of it is taken";
  const NameFilter some{.exclude = {"tmp"}};
  EXPECT_TRUE(some.takes_directory("b"));
  EXPECT_FALSE(some.takes_directory("b/tmp"));
  EXPECT_FALSE(some.takes_directory("tmp/b"));
}

TEST(LocalNames, PartsStandBesideTheTarget) {
  EXPECT_EQ(part_name("a.txt", 255), "a.txt.part");
  EXPECT_EQ(info_name("a.txt", 255), "a.txt.part.info");
  EXPECT_EQ(numbered_name("a.txt", 2, 255), "a.txt.2");
}

TEST(LocalNames, ALongNameIsCutAtACharacterAndStaysItsOwn) {
  std::string name;
  while (name.size() + 3 <= 255) name += "长";
  const std::string other = name.substr(0, name.size() - 3) + "短";
  for (const auto& long_one :
       {part_name(name, 255), info_name(name, 255), numbered_name(name, 1, 255)}) {
    EXPECT_LE(long_one.size(), 255U);
    EXPECT_TRUE(is_utf8(long_one)) << long_one;
  }
  EXPECT_NE(part_name(name, 255), part_name(other, 255));
  EXPECT_EQ(part_name(name, 255), part_name(name, 255));
  EXPECT_EQ(part_name(std::string(250, 'x'), 255), std::string(250, 'x') + ".part");
}

TEST(LocalNames, AFileSystemMayTakeShorterOnes) {
  const std::string name(143, 'x');
  constexpr std::size_t kMax = 143;  // eCryptfs
  const std::string own = own_part_name(name, kMax);
  for (const auto& one : {part_name(name, kMax), info_name(name, kMax), own,
                          numbered_name(name, 12, kMax), part_name(name.substr(0, 139), kMax)})
    EXPECT_LE(one.size(), kMax) << one;
  EXPECT_TRUE(own.ends_with(".part"));
  EXPECT_NE(own, own_part_name(name, kMax));
}

const PartInfo kInfo{
    .identity = {.device = 1, .inode = 2, .size = 99'000'000, .mtime_ns = -4, .ctime_ns = 5},
    .verified = {0, 1, 2, 7, 9, 10}};

TEST(PartInfo, IsReadAsItWasWritten) {
  const std::string text = part_info_text(kInfo);
  EXPECT_NE(text.find("verified 0-2,7,9-10\n"), text.npos) << text;
  EXPECT_EQ(read_part_info(text, 99'000'000), kInfo);
  EXPECT_EQ(read_part_info(part_info_text({}), 0), PartInfo());
}

TEST(PartInfo, ADamagedInfoIsReadUnchangedOrRejected) {
  const std::string text = part_info_text(kInfo);
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(read_part_info(text.substr(0, i), 99'000'000));
    std::string changed = text;
    changed[i] ^= 1;
    EXPECT_FALSE(read_part_info(changed, 99'000'000)) << i;
  }
  EXPECT_FALSE(read_part_info(text + "x", 99'000'000));
}

TEST(PartInfo, TakesNoMoreChunksThanThereAreBytes) {
  PartInfo all;
  for (std::uint64_t chunk = 0; chunk < 100; ++chunk) all.verified.insert(chunk);
  EXPECT_EQ(read_part_info(part_info_text(all), 3 << 20)->verified.size(), 4U);
}

}  // namespace
}  // namespace fairlead
