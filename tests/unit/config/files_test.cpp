#include "common/config/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DiskFilesTest : public testing::Test {
 protected:
  DiskFilesTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "fairlead-files-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~DiskFilesTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
  }

  std::string folder_;
  DiskFiles files_;
};

TEST_F(DiskFilesTest, ReadsWholeFiles) {
  const std::string text = std::string(100'000, 'x') + std::string("\0\r\n", 3);
  write("a", text);
  EXPECT_EQ(files_.read(path("a")).text, text);
}

TEST_F(DiskFilesTest, TellsAMissingFileFromAnUnreadableOne) {
  const auto missing = files_.read(path("none"));
  EXPECT_FALSE(missing.text);
  EXPECT_TRUE(missing.is_missing);
  EXPECT_EQ(missing.error, "No such file or directory");
  const auto folder = files_.read(folder_);
  EXPECT_FALSE(folder.text);
  EXPECT_FALSE(folder.is_missing);
  EXPECT_EQ(folder.error, "Is a directory");
}

TEST_F(DiskFilesTest, RefusesAFileWithoutEnd) {
  const auto endless = files_.read("/dev/zero");
  EXPECT_FALSE(endless.text);
  EXPECT_EQ(endless.error, "longer than 4194304 bytes");
}

TEST_F(DiskFilesTest, MatchesSortedByBytes) {
  for (const char* name : {"b.conf", "B.conf", "a.conf", "10.conf", "9.conf", "a.txt", ".h.conf"})
    write(name, "");
  EXPECT_THAT(
      *files_.matching(folder_ + "/", "*.conf"),
      ElementsAre(path("10.conf"), path("9.conf"), path("B.conf"), path("a.conf"), path("b.conf")));
  EXPECT_THAT(*files_.matching("/nowhere/", folder_ + "/a.*"),
              ElementsAre(path("a.conf"), path("a.txt")));
  EXPECT_THAT(*files_.matching(folder_ + "/", "*.none"), IsEmpty());
}

TEST_F(DiskFilesTest, MatchesNothingInAFolderThatIsNotThere) {
  const auto matches = files_.matching(folder_ + "/", "none.d/*.conf");
  ASSERT_TRUE(matches) << matches.error().what;
  EXPECT_THAT(*matches, IsEmpty());
}

TEST_F(DiskFilesTest, SaysWhyAFolderCannotBeSearched) {
  std::filesystem::create_symlink("loop", path("loop"));
  EXPECT_EQ(files_.matching(folder_ + "/", "loop/*.conf").error().what,
            "Too many levels of symbolic links");
}

TEST_F(DiskFilesTest, TakesTheFoldersOwnNameLiterally) {
  write("[x]*/a.conf", "");
  write("x/b.conf", "");
  EXPECT_THAT(*files_.matching(path("[x]*/"), "*.conf"), ElementsAre(path("[x]*/a.conf")));
}

}  // namespace
}  // namespace fairlead
