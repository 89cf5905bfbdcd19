// The views of a load test while it runs, on a simulated terminal.
#include "client/bench/report/bench_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>

#include "client/bench/report/bench_screen.hpp"
#include "client/cli/columns.hpp"
#include "tests/unit/client/cli/fake_screen.hpp"

namespace fairlead {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

SeriesRow row_of(std::uint32_t second) {
  SeriesRow row{.second = second, .connections_open = 100};
  row.counts.done = 4990;
  row.p50 = 123, row.p90 = 200, row.p99 = 1234, row.max = 14'000;
  return row;
}

BenchProgress progress_at(BenchDuration elapsed) {
  BenchProgress progress{.phase = BenchProgress::Phase::running,
                         .elapsed = elapsed,
                         .duration = seconds(30),
                         .connections = 100,
                         .connections_open = 100,
                         .rate = 4987,
                         .intended_rate = 5000};
  progress.p50 = 120, progress.p90 = 199, progress.p99 = 900, progress.max = 14'000;
  return progress;
}

// ---- Lines ----

class BenchLinesTest : public testing::Test {
 protected:
  std::string written;
  Output err{[this](std::string_view bytes) { written += bytes; }};
  BenchLines view{err, Encoding::utf8};
};

TEST_F(BenchLinesTest, ASecondIsALine) {
  view.on_second(row_of(2), progress_at(seconds(3)));
  view.update(progress_at(milliseconds(3100)));
  EXPECT_EQ(written, "     3 s  4.99k/s  p50  123 us  p90  200 us  p99 1.23 ms  max 14.0 ms\n");
}

TEST_F(BenchLinesTest, AddsErrorsAndMismatches) {
  SeriesRow row = row_of(0);
  row.is_warmup = true;
  row.connections_open = 99;
  row.counts.errors[0] = 1234;
  row.counts.mismatches[0] = 1;
  view.on_second(row, progress_at(seconds(1)));
  EXPECT_THAT(written, HasSubstr("max 14.0 ms  errors 1,234  mismatches 1  connections 99/100  "
                                 "(warm-up)\n"));
}

TEST_F(BenchLinesTest, ASecondWithoutRepliesHasNoLatency) {
  view.on_second({.second = 1, .connections_open = 100}, progress_at(seconds(2)));
  EXPECT_EQ(written, "     2 s      0/s\n");
}

// ---- Sparks and colours ----

class OnATerminal : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr); }
  void TearDown() override { std::setlocale(LC_CTYPE, "C"); }
};

TEST(Sparkline, TheMaximumIsAFullBar) {
  EXPECT_EQ(sparkline({0, 50, 100}, 8, false), "▁▅█");
  EXPECT_EQ(sparkline({0, 50, 100}, 2, true), "=#") << "the last ones";
  EXPECT_EQ(sparkline({0, 0}, 8, false), "▁▁");
  EXPECT_EQ(sparkline({}, 8, false), "");
}

TEST_F(OnATerminal, AStyledLineIsAsWideAsItIsTold) {
  StyledLine line;
  line.add("大文", Style::bad).tab(6).add("plain").add("!", Style::good);
  EXPECT_EQ(line.text(14, false), "大文  plain!  ");
  EXPECT_EQ(line.text(14, true), "\x1b[31m大文\x1b[0m  plain\x1b[32m!\x1b[0m  ");
  EXPECT_EQ(line.text(3, true), "\x1b[31m大~\x1b[0m");
  for (std::size_t columns = 0; columns < 20; ++columns)
    EXPECT_EQ(columns_of(line.text(columns, false)), columns);
}

// ---- The screen ----

class BenchScreenTest : public OnATerminal {
 protected:
  BenchScreen make(const BenchScreenLook& look) {
    return {err, [this] { return size; }, Encoding::utf8, look};
  }

  TerminalSize size{.columns = 80, .rows = 24};
  FakeScreen screen{80};
  Output err{[this](std::string_view bytes) { screen.write(bytes); }};
};

TEST_F(BenchScreenTest, ShowsARunInABlockThatIsDrawnOver) {
  BenchScreen view = make({});
  view.on_second(row_of(13), progress_at(seconds(14)));
  view.on_second(row_of(14), progress_at(seconds(15)));
  EXPECT_THAT(screen.lines(),
              ElementsAre("running      ████████████████████░░░░░░░░░░░░░░░░░░░░  50%  0:15 left",
                          "rate         4.99k/s now   mean 4.99k/s of 5.00k/s due  ██",
                          "latency      p50 120 us    p90 199 us    p99 900 us    max 14.0 ms",
                          "last second  p50 123 us    p90 200 us    p99 1.23 ms   max 14.0 ms",
                          "errors       0             mismatches 0", "connections  100 of 100"));
  EXPECT_FALSE(screen.wrapped);
  EXPECT_THAT(screen.colours, IsEmpty());
  view.end();
  EXPECT_THAT(screen.lines(), IsEmpty()) << "the report takes its place";
}

TEST_F(BenchScreenTest, IsDrawnTenTimesASecondAtMost) {
  BenchScreen view = make({});
  for (int i = 0; i < 1000; ++i) view.update(progress_at(milliseconds(i)));
  EXPECT_EQ(screen.writes, 10);
}

TEST_F(BenchScreenTest, SaidLinesStayAbove) {
  BenchScreen view = make({});
  view.update(progress_at(seconds(1)));
  view.say("fairlead: it goes on");
  EXPECT_THAT(screen.lines().at(0), "fairlead: it goes on");
  EXPECT_THAT(screen.lines().at(1), StartsWith("running "));
  view.end();
  EXPECT_THAT(screen.lines(), ElementsAre("fairlead: it goes on"));
}

TEST_F(BenchScreenTest, MessagesGiveTheShareWithoutADuration) {
  BenchScreen view = make({.ascii = true});
  BenchProgress progress = progress_at(seconds(10));
  progress.duration = {};
  progress.messages = 4000;
  progress.finished = 1000;
  view.update(progress);
  EXPECT_THAT(screen.lines().at(0),
              HasSubstr("##########------------------------------  25%  0:30 left"));
  progress.messages = 0;
  progress.elapsed = seconds(70);
  view.update(progress);
  EXPECT_EQ(screen.lines().at(0), "running      1:10") << "without an end";
}

TEST_F(BenchScreenTest, AsciiTerminalsSeeAscii) {
  BenchScreen view = make({.ascii = true});
  view.on_second(row_of(0), progress_at(seconds(1)));
  for (const std::string& line : screen.lines()) {
    for (const char c : line) ASSERT_LT(static_cast<unsigned char>(c), 0x7f) << line;
  }
}

TEST_F(BenchScreenTest, ErrorsAreColouredWhereColoursAreWanted) {
  BenchScreen view = make({.colour = true});
  view.update(progress_at(seconds(1)));
  EXPECT_THAT(screen.colours, Not(Contains("\x1b[31m")));
  BenchProgress progress = progress_at(seconds(2));
  progress.counts.errors[0] = 7;
  view.update(progress);
  EXPECT_THAT(screen.colours, Contains("\x1b[31m"));
  EXPECT_THAT(screen.lines().at(3), StartsWith("errors       7"));
}

TEST_F(BenchScreenTest, NoLineWrapsHoweverNarrowTheTerminal) {
  for (std::size_t columns = 2; columns < 120; ++columns) {
    screen = FakeScreen(columns);
    size.columns = columns;
    BenchScreen view = make({.colour = true});
    view.on_second(row_of(0), progress_at(seconds(1)));
    view.on_second(row_of(1), progress_at(seconds(2)));
    ASSERT_FALSE(screen.wrapped) << columns;
    ASSERT_THAT(screen.lines(), SizeIs(6)) << columns;
    view.end();
    ASSERT_THAT(screen.lines(), IsEmpty()) << columns;
  }
}

TEST_F(BenchScreenTest, ANarrowTerminalShowsFewerFiguresAndNoneInPart) {
  size.columns = 60;
  BenchScreen view = make({});
  view.update(progress_at(seconds(15)));
  EXPECT_EQ(screen.lines().at(0), "running      ███████████████░░░░░░░░░░░░░░░  50%  0:15 left");
  EXPECT_EQ(screen.lines().at(2), "latency      p50 120 us    p99 900 us    max 14.0 ms");
}

TEST_F(BenchScreenTest, ALowTerminalShowsTheFirstLines) {
  size.rows = 3;
  screen = FakeScreen(80, 3);
  BenchScreen view = make({});
  view.on_second(row_of(0), progress_at(seconds(1)));
  EXPECT_THAT(screen.lines(), ElementsAre(StartsWith("running "), StartsWith("rate ")));
}

// ---- Which one ----

TEST(MakeBenchView, ScreensAreForTerminalsThatCanMoveTheirCursor) {
  std::string written;
  Output terminal([&](std::string_view bytes) { written += bytes; });
  const auto drawn_by = [&](const char* term, const char* no_color, BenchViewForm form) {
    ::setenv("TERM", term, 1);
    ::setenv("NO_COLOR", no_color, 1);
    written.clear();
    make_bench_view(form, terminal, Encoding::utf8)->on_second(row_of(0), progress_at(seconds(1)));
    return written;
  };
  EXPECT_THAT(drawn_by("xterm", "", BenchViewForm::automatic), HasSubstr("\x1b[1m"));
  EXPECT_THAT(drawn_by("xterm", "1", BenchViewForm::automatic), Not(HasSubstr("\x1b[1m")));
  EXPECT_THAT(drawn_by("xterm", "1", BenchViewForm::automatic), HasSubstr("\x1b[J"));
  EXPECT_THAT(drawn_by("dumb", "", BenchViewForm::automatic), StartsWith("     1 s  "));
  EXPECT_THAT(drawn_by("xterm", "", BenchViewForm::lines), StartsWith("     1 s  "));
}

}  // namespace
}  // namespace fairlead
