#include "common/log/queue_sink.hpp"

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

TEST(LineQueue, TellsHowManyLinesAreWhole) {
  LineQueue queue;
  for (const char* line : {"dropped\n", "one\n", "\n", "three\nof two\n"}) queue.push(line);
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

// A logger and its sink, which ends with both.
struct QueuedLogger {
  QueuedLogger(std::unique_ptr<LineFile> file, QueueSinkOptions options)
      : sink(std::make_shared<QueueSink>(std::move(file), std::move(options))),
        logger(logger_to(sink)) {}

  std::shared_ptr<QueueSink> sink;
  std::unique_ptr<spdlog::logger> logger;
};

TEST(QueueSink, WritesEachLineInItsPattern) {
  SmallPipe pipe;
  QueuedLogger queued(file_at(pipe.writer()), {.pattern = "<%v>"});
  queued.logger->info("one");
  EXPECT_EQ(pipe.read_some(), "<one>\n");
  queued.logger->info("");
  EXPECT_EQ(pipe.read_some(), "<>\n");
}

TEST(QueueSink, HoldsNoMoreBytesThanItMay) {
  SmallPipe pipe;
  pipe.fill();
  {
    QueuedLogger queued(file_at(pipe.writer()),
                        {.queue_lines = 1000, .queue_bytes = 100, .close_wait = {}});
    for (int i = 0; i < 100; ++i) queued.logger->info(std::string(29, 'x'));
    EXPECT_GE(queued.sink->lines_lost(), 100u - 3 - 3)
        << "three wait, and the thread may be writing three";
    queued.logger->info(std::string(1000, 'y'));  // alone it may be longer
  }
  EXPECT_EQ(pipe.read_some(), std::string(SmallPipe::kRoom, '#'));
}

TEST(QueueSink, CountsEveryLineThatAFullDiskCosts) {
  std::error_code error;
  std::uint64_t reported = 0;
  {
    QueuedLogger queued(std::make_unique<LineFile>("/dev/full", error),
                        {.on_lost = [&](LostLines lost) {
                          reported += lost.since_last_report;
                          return std::string();
                        }});
    for (int i = 0; i < 1000; ++i) queued.logger->info("lost");
  }
  EXPECT_EQ(reported, 1000u);
}

TEST(QueueSink, ReportsLossesWithoutAnotherLineOnceItsReaderReads) {
  SmallPipe pipe;
  pipe.fill();
  std::string output;
  {
    QueuedLogger queued(file_at(pipe.writer()), {.queue_lines = 1, .on_lost = [](LostLines lost) {
                                                   return "lost " + std::to_string(lost.total);
                                                 }});
    for (int i = 0; i < 100; ++i) queued.logger->info("line");
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
    if (line.starts_with("lost ")) lost = std::stoul(line.substr(5));
  }
  EXPECT_EQ(written + lost, 100u) << output.substr(SmallPipe::kRoom);
}

}  // namespace
}  // namespace fairlead
