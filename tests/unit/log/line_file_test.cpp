#include "common/log/line_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <string>

#include "tests/unit/log/log_files.hpp"

namespace fairlead {
namespace {

using Clock = std::chrono::steady_clock;

class LineFileTest : public ::testing::Test {
 protected:
  LineFileTest() { std::signal(SIGPIPE, SIG_IGN); }

  TemporaryFolder folder_;
  std::error_code error_;
};

TEST_F(LineFileTest, AppendsToWhatIsThere) {
  const std::string path = folder_ / "log";
  {
    LineFile file(path, error_);
    ASSERT_FALSE(error_);
    EXPECT_TRUE(file.write("one\n"));
  }
  LineFile file(path, error_);
  EXPECT_TRUE(file.write("two\n"));
  EXPECT_EQ(content_of(path), "one\ntwo\n");
}

TEST_F(LineFileTest, IsReadableByItsGroupAndNoFurther) {
  const std::string path = folder_ / "log";
  LineFile file(path, error_);
  const auto permissions = std::filesystem::status(path).permissions();
  EXPECT_EQ(permissions & std::filesystem::perms::others_all, std::filesystem::perms::none);
}

TEST_F(LineFileTest, WritesToTheNewFileAfterARename) {
  const std::string path = folder_ / "log";
  LineFile file(path, error_);
  EXPECT_TRUE(file.write("one\n"));
  std::filesystem::rename(path, folder_ / "log.1");
  EXPECT_TRUE(file.write("two\n"));
  EXPECT_FALSE(file.reopen());
  EXPECT_TRUE(file.write("three\n"));
  EXPECT_EQ(content_of(folder_ / "log.1"), "one\ntwo\n");
  EXPECT_EQ(content_of(path), "three\n");
}

TEST_F(LineFileTest, KeepsTheOldFileWhenItCannotOpenTheNew) {
  const std::string path = folder_ / "log";
  LineFile file(path, error_);
  std::filesystem::rename(path, folder_ / "log.1");
  std::filesystem::create_directory(path);
  EXPECT_EQ(file.reopen(), std::errc::is_a_directory);
  EXPECT_TRUE(file.write("one\n"));
  EXPECT_EQ(content_of(folder_ / "log.1"), "one\n");
}

TEST_F(LineFileTest, LeavesTheDescriptorItDuplicatedOpen) {
  SmallPipe pipe;
  { LineFile file(pipe.writer(), error_); }
  EXPECT_EQ(::write(pipe.writer(), "x", 1), 1);
}

TEST_F(LineFileTest, ReportsADescriptorThatIsNotOpen) {
  LineFile file(-1, error_);
  EXPECT_EQ(error_, std::errc::bad_file_descriptor);
}

TEST_F(LineFileTest, FailsWhenTheDiskIsFull) {
  LineFile file("/dev/full", error_);
  ASSERT_FALSE(error_);
  EXPECT_FALSE(file.write("lost\n"));
}

TEST_F(LineFileTest, FailsWhenThePipeIsClosed) {
  SmallPipe pipe;
  LineFile file(pipe.writer(), error_);
  pipe.close_reader();
  EXPECT_FALSE(file.write("lost\n"));
}

TEST_F(LineFileTest, FailsInsteadOfWaitingOnceItMayNotWait) {
  SmallPipe pipe;
  LineFile file(pipe.writer(), error_);
  pipe.fill();
  file.stop_waiting_at(Clock::now());
  EXPECT_FALSE(file.write("lost\n"));
  pipe.read_some();
  EXPECT_TRUE(file.write("kept\n"));
  EXPECT_EQ(pipe.read_some(), "kept\n");
}

TEST_F(LineFileTest, StartsANewLineAfterATornOne) {
  SmallPipe pipe;
  LineFile file(pipe.writer(), error_);
  file.stop_waiting_at(Clock::now());
  EXPECT_FALSE(file.write(std::string(SmallPipe::kRoom + 1, 'x') + "\n"));
  EXPECT_EQ(pipe.read_some(), std::string(SmallPipe::kRoom, 'x'));
  EXPECT_TRUE(file.write("next\n"));
  EXPECT_TRUE(file.write("last\n"));
  EXPECT_EQ(pipe.read_some(), "\nnext\nlast\n");
}

TEST_F(LineFileTest, RefusesAFifoWithoutAReaderInsteadOfWaitingForOne) {
  const std::string path = folder_ / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  LineFile file(path, error_);
  EXPECT_EQ(error_, std::errc::no_such_device_or_address);
}

}  // namespace
}  // namespace fairlead
