#include "client/fetch/part_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace fairlead {
namespace {

namespace fs = std::filesystem;

struct PartFileTest : testing::Test {
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "fairlead-part-XXXXXX").string();
    base = ::mkdtemp(name.data());
    fs::create_directory(base / "dir");
    write("secret", "outside");
  }
  void TearDown() override { fs::remove_all(base); }

  void write(const std::string& name, std::string_view text) {
    std::ofstream(base / name, std::ios::binary) << text;
  }
  std::string content(const std::string& name) const {
    std::ifstream in(base / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator(base / "dir"))
      all.insert(entry.path().filename().string());
    return all;
  }
  TargetFolder folder() const { return TargetFolder::open((base / "dir").string()).value(); }
  auto open(IfExists if_exists = IfExists::fail) {
    return PartFile::open(folder(), "f", {.if_exists = if_exists});
  }
  static void fetch(PartFile& file, Bytes bytes = "bytes") {
    EXPECT_EQ(file.begin({.device = 1, .size = bytes.size()}), "");
    EXPECT_EQ(file.write(0, bytes), "");
    EXPECT_EQ(file.keep(0), "");
  }

  fs::path base;
  using Names = std::set<std::string>;
};

TEST_F(PartFileTest, HasItsNameOnceItIsComplete) {
  const auto opened = open();
  EXPECT_EQ(names(), Names{}) << "nothing is made before there is something to write";
  fetch(**opened);
  EXPECT_EQ(names(), Names{"f.part"});
  EXPECT_EQ((*opened)->finish(), "");
  EXPECT_EQ(names(), Names{"f"});
  EXPECT_EQ(content("dir/f"), "bytes");
  EXPECT_EQ((*opened)->stored_as(), (base / "dir/f").string());
}

TEST_F(PartFileTest, TheNextAttemptFindsTheLeftover) {
  {
    const auto opened = open();
    fetch(**opened);
    (*opened)->leave();
  }
  const auto opened = open();
  const Leftover left = (*opened)->leftover();
  EXPECT_EQ(left.size, 5U);
  EXPECT_EQ(left.identity.device, 1U);
  EXPECT_EQ(left.right, std::set<std::uint64_t>{0});
  char bytes[5];
  EXPECT_TRUE((*opened)->read(0, bytes, 5));
  EXPECT_EQ(Bytes(bytes, 5), "bytes");
  EXPECT_FALSE((*opened)->read(1, bytes, 5)) << "there are no more than five";
}

TEST_F(PartFileTest, AnAttemptAbandonedBeforeItsBeginKeepsTheEarlierNote) {
  for (int i = 0; i < 2; ++i) {
    const auto opened = open();
    if (i == 0) fetch(**opened);
    (*opened)->leave();
  }
  EXPECT_EQ((*open())->leftover().identity.device, 1U);
}

TEST_F(PartFileTest, VerifiedChunksAreNotedIfThereAreSeveral) {
  const auto opened = open();
  EXPECT_EQ((*opened)->begin({.device = 1, .size = 2 * kChunkBytes}), "");
  EXPECT_EQ(names(), (Names{"f.part", "f.part.info"}));
}

TEST_F(PartFileTest, ADamagedNoteIsIgnored) {
  {
    const auto opened = open();
    fetch(**opened);
    (*opened)->leave();
  }
  write("dir/f.part.info", "fairlead part 1\nidentity what\n");
  const Leftover left = (*open())->leftover();
  EXPECT_TRUE(left.identity.is_any());
  EXPECT_EQ(left.size, 5U);
}

TEST_F(PartFileTest, AnEmptyAttemptLeavesNothing) {
  const auto opened = open();
  EXPECT_EQ((*opened)->begin({.device = 1}), "");
  (*opened)->leave();
  EXPECT_EQ(names(), Names{});
}

TEST_F(PartFileTest, ASmallerVersionTruncatesThePart) {
  const auto opened = open();
  fetch(**opened, "much longer");
  EXPECT_EQ((*opened)->begin({.device = 2, .size = 4}), "");
  EXPECT_EQ((*opened)->finish(), "");
  EXPECT_EQ(content("dir/f"), "much");
}

TEST_F(PartFileTest, TwoDownloadsDoNotWriteOnePart) {
  const auto first = open();
  const auto second = open();
  fetch(**first);
  EXPECT_NE((*second)->begin({.device = 1, .size = 5}).find("another download"), std::string::npos);
  EXPECT_NE(open().error().what.find("another download"), std::string::npos);
  EXPECT_EQ((*first)->finish(), "");
  EXPECT_EQ(content("dir/f"), "bytes");
}

TEST_F(PartFileTest, AnExistingTargetIsTreatedAsRequested) {
  write("dir/f", "old");
  EXPECT_NE(open().error().what.find("--if-exists"), std::string::npos);
  EXPECT_EQ(open(IfExists::skip).value(), nullptr);
  for (const char* const name : {"dir/f.1", "dir/f.2"}) {
    const auto renamed = open(IfExists::rename);
    fetch(**renamed);
    EXPECT_EQ((*renamed)->finish(), "");
    EXPECT_EQ(content(name), "bytes");
  }
  EXPECT_EQ(content("dir/f"), "old");
  const auto replacing = open(IfExists::overwrite);
  fetch(**replacing);
  EXPECT_EQ((*replacing)->finish(), "");
  EXPECT_EQ(content("dir/f"), "bytes");
}

TEST_F(PartFileTest, ATargetCreatedMeanwhileStays) {
  const auto failing = open();
  fetch(**failing);
  write("dir/f", "new");
  EXPECT_NE((*failing)->finish().find("meanwhile"), std::string::npos);
  EXPECT_EQ(content("dir/f"), "new");
  EXPECT_EQ(names(), (Names{"f", "f.part", "f.part.info"})) << "and nothing that came is lost";
}

TEST_F(PartFileTest, NothingIsReachedThroughSymbolicLinks) {
  fs::create_symlink(base / "secret", base / "dir/f.part");
  EXPECT_NE(open().error().what.find("symbolic link"), std::string::npos);
  fs::remove(base / "dir/f.part");
  fs::create_symlink(base / "secret", base / "dir/f.part.info");
  const auto opened = open();
  fetch(**opened);
  (*opened)->leave();
  fs::create_symlink(base / "secret", base / "dir/f");
  EXPECT_NE((*opened)->finish(), "");
  EXPECT_EQ(content("secret"), "outside");
}

TEST_F(PartFileTest, OnlyRegularFilesAreReplaced) {
  const auto opened = open(IfExists::overwrite);
  fetch(**opened);
  fs::create_symlink("nowhere", base / "dir/f");
  EXPECT_NE((*opened)->finish().find("symbolic link"), std::string::npos) << "it came meanwhile";
  const auto refuse = [this](const char* kind) {
    for (const IfExists how : {IfExists::fail, IfExists::overwrite})
      EXPECT_NE(open(how).error().what.find(kind), std::string::npos) << kind;
    fs::remove(base / "dir/f");
  };
  refuse("a symbolic link");
  fs::create_directory(base / "dir/f");
  refuse("a directory");
  ASSERT_EQ(0, ::mkfifo((base / "dir/f").c_str(), 0600));
  refuse("not a regular file");
}

TEST_F(PartFileTest, WhatReplacesAFileHasItsMode) {
  for (const mode_t mode : {0600U, 0444U, 0751U}) {
    write("dir/f", "old");
    fs::permissions(base / "dir/f", fs::perms(mode));
    const auto opened = open(IfExists::overwrite);
    fetch(**opened);
    EXPECT_EQ(fs::status(base / "dir/f.part").permissions(), fs::perms(0600));
    EXPECT_EQ((*opened)->finish(), "");
    EXPECT_EQ(content("dir/f"), "bytes");
    EXPECT_EQ(fs::status(base / "dir/f").permissions(), fs::perms(mode));
    fs::remove(base / "dir/f");
  }
}

TEST_F(PartFileTest, WhatReplacesNothingHasTheUsualMode) {
  for (const IfExists how : {IfExists::fail, IfExists::overwrite, IfExists::update}) {
    const auto opened = open(how);
    fetch(**opened);
    EXPECT_EQ((*opened)->finish(), "");
    write("dir/other", "");
    EXPECT_EQ(fs::status(base / "dir/f").permissions(),
              fs::status(base / "dir/other").permissions());
    fs::remove(base / "dir/f");
  }
}

TEST_F(PartFileTest, AnUpdateStoresWhatItHasReadOfTheTarget) {
  write("dir/f", "old bytes");
  fs::permissions(base / "dir/f", fs::perms(0600));
  const auto opened = open(IfExists::update);
  EXPECT_EQ(fs::status(base / "dir/f.part").permissions(), fs::perms(0600));
  EXPECT_EQ((*opened)->leftover().size, 9U);
  char bytes[9];
  EXPECT_TRUE((*opened)->read(0, bytes, 9));
  write("dir/f", "OLD BYTES");
  EXPECT_EQ(content("dir/f.part"), "old bytes");
  EXPECT_EQ((*opened)->begin({.device = 1, .size = 5}), "");
  EXPECT_EQ((*opened)->write(0, "n"), "");
  EXPECT_EQ((*opened)->finish(), "");
  EXPECT_EQ(content("dir/f"), "nld b");
}

TEST_F(PartFileTest, ThePartOfAnotherDownloadIsLeftAlone) {
  const auto first = open();
  fetch(**first, "whole");
  fs::remove(base / "dir/f.part");
  const auto second = open();
  fetch(**second, "begun");
  EXPECT_NE((*first)->write(0, "W").find("removed or replaced"), std::string::npos);
  EXPECT_NE((*first)->finish().find("removed or replaced"), std::string::npos);
  EXPECT_EQ(names(), Names{"f.part"}) << "nothing has its name that is not whole";
  (*first)->discard();
  EXPECT_EQ(content("dir/f.part"), "begun");
  EXPECT_EQ((*second)->finish(), "");
  EXPECT_EQ(content("dir/f"), "begun");
}

TEST_F(PartFileTest, TheNameIsGivenToWhatWasWritten) {
  for (const IfExists how : {IfExists::fail, IfExists::overwrite}) {
    const auto opened = open(how);
    fetch(**opened, "whole");
    fs::rename(base / "dir/f.part", base / "dir/moved");
    write("dir/f.part", "of somebody else");
    EXPECT_EQ((*opened)->finish(), "");
    EXPECT_EQ(content("dir/f"), "whole");
    EXPECT_EQ(content("dir/f.part"), "of somebody else");
    fs::remove(base / "dir/f.part");
  }
}

TEST_F(PartFileTest, AnAttemptThatResumesNothingHasAPartOfItsOwn) {
  {
    const auto opened = open();
    fetch(**opened);
    (*opened)->leave();
  }
  const Names left{"f.part", "f.part.info"};
  for (const bool begins : {false, true}) {
    const auto plain = PartFile::open(folder(), "f", {.resumes = false});
    EXPECT_EQ((*plain)->leftover().size, 0U);
    if (begins) fetch(**plain);
    (*plain)->discard();
    EXPECT_EQ(names(), left);
  }
  EXPECT_EQ((*open())->leftover().size, 5U);
}

TEST_F(PartFileTest, APartWithASecondNameIsNotWrittenInto) {
  {
    const auto opened = open();
    fetch(**opened);
    (*opened)->leave();
  }
  fs::create_hard_link(base / "dir/f.part", base / "dir/copy");
  const auto opened = open();
  EXPECT_EQ((*opened)->leftover().size, 0U);
  fetch(**opened, "other");
  EXPECT_EQ((*opened)->finish(), "");
  EXPECT_EQ(content("dir/copy"), "bytes");
  EXPECT_EQ(content("dir/f"), "other");
}

TEST_F(PartFileTest, ANameThatCannotBeIsRefusedAtTheStart) {
  const auto opened = PartFile::open(folder(), std::string(256, 'n'), {});
  EXPECT_NE(opened.error().what.find("256 bytes"), std::string::npos) << opened.error().what;
}

TEST_F(PartFileTest, WhatHasNoRoomIsRefusedAtItsBegin) {
  const auto opened = open();
  EXPECT_NE((*opened)->begin({.device = 1, .size = std::uint64_t{1} << 60}).find("MiB are free"),
            std::string::npos);
}

TEST_F(PartFileTest, FilesThatAreFetchedAtOnceShareTheRoom) {
  DiskSpace space;
  const TargetFolder target = folder();
  const std::uint64_t free = *free_bytes(target.descriptor());
  // Other programs may take or free some meanwhile.
  auto most = *space.claim(target.descriptor(), free / 4 * 3);
  EXPECT_FALSE(space.claim(target.descriptor(), free / 2));
  most.spend(free / 2);
  EXPECT_TRUE(space.claim(target.descriptor(), free / 2));
  most = DiskSpace::Claim();
  EXPECT_TRUE(space.claim(target.descriptor(), free / 4 * 3));
}

TEST_F(PartFileTest, OnlyRegularFilesAreResumed) {
  ASSERT_EQ(0, ::mkfifo((base / "dir/f.part").c_str(), 0600));
  EXPECT_NE(open().error().what.find("not a regular file"), std::string::npos);
}

TEST_F(PartFileTest, FoldersBelowAreMadeAndNeverLedOutside) {
  const std::vector<std::string> way{"a", "b"};
  EXPECT_TRUE(folder().below(way));
  EXPECT_TRUE(fs::is_directory(base / "dir/a/b"));
  fs::create_directory_symlink(base, base / "dir/up");
  const std::vector<std::string> out{"up", "c"};
  EXPECT_FALSE(folder().below(out));
  EXPECT_FALSE(fs::exists(base / "c"));
}

}  // namespace
}  // namespace fairlead
