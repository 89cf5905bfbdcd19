#include "common/log/transcript.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <system_error>
#include <vector>

#include "common/log/event_text.hpp"
#include "tests/unit/log/log_files.hpp"

namespace fairlead {
namespace {

using ::testing::ElementsAre;

class CapturedLog final : public LogSink {
 public:
  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override {
    append_event_text(lines.emplace_back(), level, event, fields);
  }
  bool enabled(Level) const noexcept override { return true; }

  std::vector<std::string> lines;
};

TEST(Transcript, PrintsLinesExactlyAndInOrder) {
  CapturedLog log;
  SmallPipe pipe;
  {
    Transcript transcript(log, {.descriptor = pipe.writer()});
    transcript.print("收到数据:你好 %v {}");
    transcript.print("");
    transcript.print("two\nlines");
  }
  pipe.close_writer();
  EXPECT_EQ(pipe.read_to_end(), "收到数据:你好 %v {}\n\ntwo\nlines\n");
  EXPECT_TRUE(log.lines.empty());
}

TEST(Transcript, AReaderSeesEachLineAtOnce) {
  CapturedLog log;
  SmallPipe pipe;
  Transcript transcript(log, {.descriptor = pipe.writer()});
  for (const char* line : {"one", "two"}) {
    transcript.print(line);
    EXPECT_EQ(pipe.read_some(), std::string(line) + "\n");
  }
}

TEST(Transcript, ReportsInTheLogWhatAClosedPipeCost) {
  CapturedLog log;
  SmallPipe pipe;
  pipe.close_reader();
  {
    Transcript transcript(log, {.descriptor = pipe.writer()});
    transcript.print("lost");
  }
  EXPECT_THAT(log.lines, ElementsAre("warn transcript_lines_lost n=1 total=1"));
}

TEST(Transcript, ReportsInTheLogWhatAStalledReaderCost) {
  CapturedLog log;
  SmallPipe pipe;
  pipe.fill();
  {
    Transcript transcript(log, {.descriptor = pipe.writer(),
                                .queue_lines = 4,
                                .close_wait = std::chrono::milliseconds(1)});
    for (int i = 0; i < 50; ++i) transcript.print("lost");
  }
  ASSERT_FALSE(log.lines.empty());
  EXPECT_TRUE(log.lines.back().ends_with(" total=50")) << log.lines.back();
}

TEST(Transcript, RefusesADescriptorThatIsNotOpen) {
  CapturedLog log;
  EXPECT_THROW(Transcript(log, {.descriptor = -1}), std::system_error);
}

}  // namespace
}  // namespace fairlead
