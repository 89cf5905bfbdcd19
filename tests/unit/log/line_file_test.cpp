#include "common/log/line_file.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <string>
#include <thread>

#include "tests/unit/log/log_files.hpp"

namespace fairlead {
namespace {

using Clock = std::chrono::steady_clock;

const WriteDeadline kNever{Clock::time_point::max()};
const WriteDeadline kPast{Clock::time_point::min()};

bool takes(LineFile& file, const std::string& lines, const WriteDeadline& deadline = kNever) {
  return file.write(lines, deadline).bytes == lines.size();
}

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
    EXPECT_TRUE(takes(file, "one\n"));
  }
  LineFile file(path, error_);
  EXPECT_TRUE(takes(file, "two\n"));
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
  EXPECT_TRUE(takes(file, "one\n"));
  std::filesystem::rename(path, folder_ / "log.1");
  EXPECT_TRUE(takes(file, "two\n"));
  EXPECT_FALSE(file.reopen());
  EXPECT_TRUE(takes(file, "three\n"));
  EXPECT_EQ(content_of(folder_ / "log.1"), "one\ntwo\n");
  EXPECT_EQ(content_of(path), "three\n");
}

TEST_F(LineFileTest, KeepsTheOldFileWhenItCannotOpenTheNew) {
  const std::string path = folder_ / "log";
  LineFile file(path, error_);
  std::filesystem::rename(path, folder_ / "log.1");
  std::filesystem::create_directory(path);
  EXPECT_EQ(file.reopen(), std::errc::is_a_directory);
  EXPECT_TRUE(takes(file, "one\n"));
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
  EXPECT_FALSE(takes(file, "lost\n"));
}

TEST_F(LineFileTest, FailsWhenThePipeIsClosed) {
  SmallPipe pipe;
  LineFile file(pipe.writer(), error_);
  pipe.close_reader();
  EXPECT_FALSE(takes(file, "lost\n"));
}

TEST_F(LineFileTest, FailsInsteadOfWaitingOnceItMayNotWait) {
  SmallPipe pipe;
  LineFile file(pipe.writer(), error_);
  pipe.fill();
  EXPECT_FALSE(takes(file, "lost\n", kPast));
  pipe.read_some();
  EXPECT_TRUE(takes(file, "kept\n", kPast));
  EXPECT_EQ(pipe.read_some(), "kept\n");
}

TEST_F(LineFileTest, StartsANewLineAfterATornOne) {
  SmallPipe pipe;
  LineFile file(pipe.writer(), error_);
  EXPECT_FALSE(takes(file, std::string(SmallPipe::kRoom + 1, 'x') + "\n", kPast));
  EXPECT_EQ(pipe.read_some(), std::string(SmallPipe::kRoom, 'x'));
  EXPECT_TRUE(takes(file, "next\n", kPast));
  EXPECT_TRUE(takes(file, "last\n", kPast));
  EXPECT_EQ(pipe.read_some(), "\nnext\nlast\n");
}

TEST_F(LineFileTest, SaysHowMuchOfABatchHasLeft) {
  SmallPipe pipe;
  LineFile file(pipe.writer(), error_);
  std::string lines;
  while (lines.size() <= SmallPipe::kRoom) lines += std::string(99, 'x') + "\n";
  EXPECT_EQ(file.write(lines, kPast).bytes, SmallPipe::kRoom);
  EXPECT_EQ(file.write("no room\n", kPast).bytes, 0u);
}

TEST_F(LineFileTest, KeepsWhatFitsIntoAFifoUntilItHasAReader) {
  const std::string path = folder_ / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  LineFile file(path, error_);
  ASSERT_FALSE(error_);
  EXPECT_TRUE(takes(file, "early\n"));
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  char bytes[100];
  EXPECT_EQ(::read(reader, bytes, sizeof bytes), 6);
  ::close(reader);
  EXPECT_TRUE(takes(file, "later\n"));
  const std::string lines(1 << 20, '\n');  // more than a pipe has room for
  EXPECT_LT(file.write(lines, kPast).bytes, lines.size());
}

TEST_F(LineFileTest, AThreadWhoseTurnDoesNotComeGivesUp) {
  SmallPipe pipe;
  LineFile file(pipe.writer(), error_);
  const std::string lines(3 * SmallPipe::kRoom, '\n');
  std::thread first([&] { EXPECT_TRUE(takes(file, lines)); });
  std::string got = pipe.read_some();  // its turn has come, and lasts
  EXPECT_EQ(file.write("lost\n", kPast).error, std::errc::resource_unavailable_try_again);
  while (got.size() < lines.size()) got += pipe.read_some();
  first.join();
  EXPECT_EQ(got, lines);
  EXPECT_TRUE(takes(file, "next\n", kPast));
}

TEST_F(LineFileTest, DoesNotMakeTheDescriptorItDuplicatedNonBlocking) {
  SmallPipe pipe;
  LineFile file(pipe.writer(), error_);
  EXPECT_EQ(::fcntl(pipe.writer(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(LineFileTest, WaitsForNoSocketOnceItMayNotWait) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  {
    LineFile file(ends[0], error_);
    const std::string lines(16 << 20, '\n');
    EXPECT_LT(file.write(lines, kPast).bytes, lines.size());
    ::close(ends[1]);
    EXPECT_EQ(file.write("lost\n", kPast).bytes, 0u);
  }
  ::close(ends[0]);
}

}  // namespace
}  // namespace fairlead
