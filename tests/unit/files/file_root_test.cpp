#include "server/files/file_root.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "server/service/service_settings.hpp"

namespace fairlead {
namespace {

class RememberingLog final : public LogSink {
 public:
  void write(Level level, std::string_view event, std::span<const Field>) noexcept override {
    if (level >= Level::warn) warnings += std::string(event) + "\n";
  }
  bool enabled(Level) const noexcept override { return true; }
  std::string warnings;
};

// A root with files in it, and a secret beside it.
struct FileRootTest : testing::Test {
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "fairlead-root-XXXXXX").string();
    base = ::mkdtemp(name.data());
    std::filesystem::create_directories(base / "root/sub");
    write("root/a.txt", "inside");
    write("root/sub/b.txt", "deeper");
    write("root/你好.txt", "名字");
    write("root/.hidden", "dot");
    write("secret.txt", "outside");
    std::filesystem::create_symlink(base / "secret.txt", base / "root/out");
    std::filesystem::create_symlink("a.txt", base / "root/in");
    std::filesystem::create_directory_symlink(base, base / "root/up");
    ::mkfifo((base / "root/fifo").c_str(), 0600);
    settings.root = (base / "root").string();
  }
  void TearDown() override { std::filesystem::remove_all(base); }

  void write(const std::string& name, std::string_view text) { std::ofstream(base / name) << text; }

  // The content, or "-" where nothing is served.
  std::string get(std::string_view name) {
    const auto root = DiskFileRoots(log).root_for(settings);
    const auto file = root ? root->open(name) : nullptr;
    if (!file) return "-";
    std::string content(static_cast<std::size_t>(file->size_bytes()), '\0');
    const auto got = file->read_at(0, content.data(), content.size());
    return got == static_cast<std::ptrdiff_t>(content.size()) ? content : "short";
  }

  std::filesystem::path base;
  FileSettings settings;
  RememberingLog log;
};

TEST_F(FileRootTest, ServesRegularFilesBelowTheRoot) {
  EXPECT_EQ(get("a.txt"), "inside");
  EXPECT_EQ(get("sub/b.txt"), "deeper");
  EXPECT_EQ(get("你好.txt"), "名字");
}

TEST_F(FileRootTest, ServesNothingElse) {
  for (const std::string_view name :
       {"", "/", ".", "..", "sub", "sub/", "missing", "../secret.txt", "sub/../../secret.txt",
        "sub/../a.txt", "./a.txt", "sub//b.txt", "/etc/hostname", "a.txt/", "fifo", "out",
        "up/secret.txt", "a.txt\n", "%2e%2e/secret.txt"}) {
    EXPECT_EQ(get(name), "-") << name;
  }
  EXPECT_EQ(get({"a.txt\0b", 7}), "-");
  EXPECT_EQ(get(std::string(300, 'x')), "-");
  EXPECT_EQ(get(std::string(100'000, 'x')), "-");
}

TEST_F(FileRootTest, FollowsSymlinksOnlyWhenAskedAndOnlyInside) {
  EXPECT_EQ(get("in"), "-");
  settings.symlinks = true;
  EXPECT_EQ(get("in"), "inside");
  EXPECT_EQ(get("out"), "-");
  EXPECT_EQ(get("up/secret.txt"), "-");
}

TEST_F(FileRootTest, HidesDotFilesUnlessTold) {
  EXPECT_EQ(get(".hidden"), "-");
  settings.hidden = true;
  EXPECT_EQ(get(".hidden"), "dot");
  EXPECT_EQ(get("../secret.txt"), "-");
}

TEST_F(FileRootTest, WithoutARootNothingIsServedAndAMissingOneIsReported) {
  settings.root = "";
  EXPECT_EQ(get("a.txt"), "-");
  EXPECT_EQ(log.warnings, "");
  settings.root = (base / "nowhere").string();
  EXPECT_EQ(get("a.txt"), "-");
  EXPECT_EQ(log.warnings, "file root not served\n");
}

TEST_F(FileRootTest, ReadsFromAnOffsetAndSeesTheEnd) {
  const auto root = DiskFileRoots(log).root_for(settings);
  const auto file = root->open("a.txt");
  char into[8];
  EXPECT_EQ(file->read_at(2, into, sizeof into), 4);
  EXPECT_EQ(std::string_view(into, 4), "side");
  EXPECT_EQ(file->read_at(6, into, sizeof into), 0);
}

}  // namespace
}  // namespace fairlead
