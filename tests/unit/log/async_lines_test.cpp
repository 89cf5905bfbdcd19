#include "common/log/async_lines.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>

#include "tests/unit/log/log_files.hpp"

namespace fairlead {
namespace {

TEST(LineQueue, IsTheLinesThatHaveNotBeenDropped) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    LineQueue queue;
    std::deque<std::string> expected;
    for (int step = 0; step < 500; ++step) {
      if (random() % 3 != 0 || expected.empty()) {
        std::string line(random() % 20, static_cast<char>('a' + step % 26));
        queue.push(line);
        expected.push_back(line + "\n");
      } else {
        queue.drop_oldest();
        expected.pop_front();
      }
      std::string text;
      for (const auto& line : expected) text += line;
      ASSERT_EQ(queue.text(), text);
      ASSERT_EQ(queue.lines(), expected.size());
      ASSERT_EQ(queue.bytes(), text.size());
      ASSERT_EQ(queue.empty(), expected.empty());
    }
    queue.clear();
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.text(), "");
  }
}

TEST(LineQueue, TellsHowManyLinesAreWhole) {
  LineQueue queue;
  for (const char* line : {"dropped", "one", "", "three\nof two"}) queue.push(line);
  queue.drop_oldest();  // 4, 1 and 13 bytes are left
  EXPECT_EQ(queue.lines_within(0), 0u);
  EXPECT_EQ(queue.lines_within(3), 0u);
  EXPECT_EQ(queue.lines_within(4), 1u);
  EXPECT_EQ(queue.lines_within(5), 2u);
  EXPECT_EQ(queue.lines_within(17), 2u);
  EXPECT_EQ(queue.lines_within(18), 3u);
}

std::unique_ptr<LineFile> file_at(int descriptor) {
  std::error_code error;
  return std::make_unique<LineFile>(descriptor, error);
}

TEST(AsyncLines, HoldNoMoreBytesThanTheyMay) {
  SmallPipe pipe;
  pipe.fill();
  {
    AsyncLines lines(file_at(pipe.writer()),
                     {.queue_lines = 1000, .queue_bytes = 100, .close_wait = {}});
    for (int i = 0; i < 100; ++i) lines.write(std::string(29, 'x'));
    EXPECT_GE(lines.lines_lost(), 100u - 3 - 3) << "three wait, and three may be on their way out";
    lines.write(std::string(1000, 'y'));  // alone it may be longer
  }
  EXPECT_EQ(pipe.read_some(), std::string(SmallPipe::kRoom, '#'));
}

TEST(AsyncLines, CountEveryLineThatAFullDiskCosts) {
  std::error_code error;
  std::uint64_t reported = 0;
  {
    AsyncLines lines(std::make_unique<LineFile>("/dev/full", error),
                     {.on_lost = [&](LostLines lost) {
                       reported += lost.since_last_report;
                       return std::string();
                     }});
    for (int i = 0; i < 1000; ++i) lines.write("lost");
  }
  EXPECT_EQ(reported, 1000u);
}

// One that has waited for its reader wakes up by itself to say what was lost.
TEST(AsyncLines, SayThatTheyWorkAgainWithoutAnotherLine) {
  SmallPipe pipe;
  pipe.fill();
  AsyncLines lines(file_at(pipe.writer()), {.queue_lines = 1, .on_lost = [](LostLines lost) {
                                              return "lost " + std::to_string(lost.total);
                                            }});
  for (int i = 0; i < 100; ++i) lines.write("line");
  std::string said;
  while (said.find("lost ") == said.npos) said += pipe.read_some();
}

}  // namespace
}  // namespace fairlead
