#include "common/log/log_output.hpp"

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
        line += '\n';
        queue.push(line);
        expected.push_back(line);
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

std::unique_ptr<LineFile> file_at(int descriptor) {
  std::error_code error;
  return std::make_unique<LineFile>(descriptor, error);
}

// The sum of what is reported as lost.
class LossesOf final : public LogSink {
 public:
  void write(Level, std::string_view, std::span<const Field> fields) noexcept override {
    sum += std::get<std::uint64_t>(fields[0].value);
  }
  bool enabled(Level) const noexcept override { return true; }

  std::uint64_t sum = 0;
};

TEST(LogOutput, WritesEachLineInItsPattern) {
  SmallPipe pipe;
  LogOutput output(file_at(pipe.writer()), {}, {.pattern = "<%v>"});
  output.print("one");
  EXPECT_EQ(pipe.read_some(), "<one>\n");
  output.print("");
  EXPECT_EQ(pipe.read_some(), "<>\n");
}

TEST(LogOutput, HoldsNoMoreBytesThanItMay) {
  SmallPipe pipe;
  pipe.fill();
  LossesOf losses;
  {
    LogOutput output(file_at(pipe.writer()),
                     {.queue_lines = 1000, .queue_bytes = 100, .close_wait = {}},
                     {.losses_to = &losses});
    for (int i = 0; i < 100; ++i) output.print(std::string(29, 'x'));
    EXPECT_GE(output.lines_lost(), 100u - 3 - 3)
        << "three wait, and the thread may be writing three";
    output.print(std::string(1000, 'y'));  // alone it may be longer
  }
  EXPECT_EQ(pipe.read_some(), std::string(SmallPipe::kRoom, '#'));
}

TEST(LogOutput, CountsEveryLineThatAFullDiskCosts) {
  std::error_code error;
  LossesOf losses;
  {
    LogOutput output(std::make_unique<LineFile>("/dev/full", error), {}, {.losses_to = &losses});
    for (int i = 0; i < 1000; ++i) output.print("lost");
  }
  EXPECT_EQ(losses.sum, 1000u);
}

TEST(LogOutput, ReportsLossesWithoutAnotherLineOnceItsReaderReads) {
  SmallPipe pipe;
  pipe.fill();
  std::string output;
  {
    LogOutput queued(file_at(pipe.writer()), {.queue_lines = 1}, {.losses = "lost"});
    for (int i = 0; i < 100; ++i) queued.print("line");
    while (output.find("lost ") == output.npos) {
      const std::string some = pipe.read_some();
      ASSERT_NE(some, "");
      output += some;
    }
  }
  pipe.close_writer();
  output += pipe.read_to_end();
  std::size_t written = 0, lost = 0;
  for (const std::string& line : lines_in(output.substr(SmallPipe::kRoom))) {
    if (line == "line") ++written;
    if (const auto total = line.find(" total="); total != line.npos)
      lost = std::stoul(line.substr(total + 7));
  }
  EXPECT_EQ(written + lost, 100u) << output.substr(SmallPipe::kRoom);
}

}  // namespace
}  // namespace fairlead
