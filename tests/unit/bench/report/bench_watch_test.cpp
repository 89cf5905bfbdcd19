// A load test while it runs, on a simulated terminal.
#include "client/bench/report/bench_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>

#include "client/cli/columns.hpp"
#include "tests/unit/client/cli/fake_screen.hpp"

namespace fairlead {
namespace {

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
                         .rate = 4987,
                         .intended_rate = 5000};
  progress.total = {.connections_open = 100, .p50 = 120, .p90 = 199, .p99 = 900, .max = 14'000};
  return progress;
}

// ---- Lines ----

TEST(SecondLine, HasTheRateAndTheLatencies) {
  EXPECT_EQ(second_line(row_of(2), 100),
            "     3 s  4.99k/s  p50  123 us  p90  200 us  p99 1.23 ms  max 14.0 ms");
}

TEST(SecondLine, AddsErrorsAndMismatches) {
  SeriesRow row = row_of(0);
  row.is_warmup = true;
  row.connections_open = 99;
  row.counts.errors[0] = 1234;
  row.counts.mismatches[0] = 1;
  EXPECT_THAT(second_line(row, 100), HasSubstr("max 14.0 ms  errors 1,234  mismatches 1  "
                                               "connections 99/100  (warm-up)"));
}

TEST(SecondLine, HasNoLatencyWithoutReplies) {
  EXPECT_EQ(second_line({.second = 1, .connections_open = 100}, 100), "     2 s      0/s");
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
  void show(const BenchProgress& progress, const BenchScreenLook& look = {}) {
    block.draw(screen_lines(progress, block.room(), look), "");
  }

  TerminalSize size{.columns = 80, .rows = 24};
  FakeScreen screen{80};
  Output err{[this](std::string_view bytes) { screen.write(bytes); }};
  DrawnBlock block{err, [this] { return size; }, Encoding::utf8};
};

TEST_F(BenchScreenTest, ShowsARunInABlockThatIsDrawnOver) {
  show(progress_at(seconds(14)));
  BenchProgress progress = progress_at(seconds(15));
  progress.last = row_of(14);
  progress.rates = {4990, 4990};
  show(progress);
  EXPECT_THAT(screen.lines(),
              ElementsAre("running      ████████████████████░░░░░░░░░░░░░░░░░░░░  50%  0:15 left",
                          "rate         4.99k/s now   mean 4.99k/s of 5.00k/s due  ██",
                          "latency      p50 120 us    p90 199 us    p99 900 us    max 14.0 ms",
                          "last second  p50 123 us    p90 200 us    p99 1.23 ms   max 14.0 ms",
                          "errors       0             mismatches 0", "connections  100 of 100"));
  EXPECT_FALSE(screen.wrapped);
  EXPECT_THAT(screen.colours, IsEmpty());
}

TEST_F(BenchScreenTest, MessagesGiveTheShareWithoutADuration) {
  BenchProgress progress = progress_at(seconds(10));
  progress.duration = {};
  progress.messages = 4000;
  progress.finished = 1000;
  show(progress, {.ascii = true});
  EXPECT_THAT(screen.lines().at(0),
              HasSubstr("##########------------------------------  25%  0:30 left"));
  progress.messages = 0;
  progress.elapsed = seconds(70);
  show(progress, {.ascii = true});
  EXPECT_EQ(screen.lines().at(0), "running      1:10") << "without an end";
}

TEST_F(BenchScreenTest, AsciiTerminalsSeeAscii) {
  BenchProgress progress = progress_at(seconds(1));
  progress.rates = {1, 2};
  show(progress, {.ascii = true});
  for (const std::string& line : screen.lines()) {
    for (const char c : line) ASSERT_LT(static_cast<unsigned char>(c), 0x7f) << line;
  }
}

TEST_F(BenchScreenTest, ErrorsAreColouredWhereColoursAreWanted) {
  show(progress_at(seconds(1)), {.colour = true});
  EXPECT_THAT(screen.colours, Not(Contains("\x1b[31m")));
  BenchProgress progress = progress_at(seconds(2));
  progress.total.counts.errors[0] = 7;
  show(progress, {.colour = true});
  EXPECT_THAT(screen.colours, Contains("\x1b[31m"));
  EXPECT_THAT(screen.lines().at(3), StartsWith("errors       7"));
}

TEST_F(BenchScreenTest, NoLineWrapsHoweverNarrowTheTerminal) {
  BenchProgress progress = progress_at(seconds(2));
  progress.last = row_of(1);
  progress.rates = {4990, 4990};
  for (std::size_t columns = 2; columns < 120; ++columns) {
    screen = FakeScreen(columns);
    size.columns = columns;
    DrawnBlock narrow{err, [this] { return size; }, Encoding::utf8};
    narrow.draw(screen_lines(progress, narrow.room(), {.colour = true}), "");
    ASSERT_FALSE(screen.wrapped) << columns;
    ASSERT_THAT(screen.lines(), SizeIs(6)) << columns;
    narrow.draw({}, "");
    ASSERT_THAT(screen.lines(), IsEmpty()) << columns;
  }
}

TEST_F(BenchScreenTest, ANarrowTerminalShowsFewerFiguresAndNoneInPart) {
  size.columns = 60;
  show(progress_at(seconds(15)));
  EXPECT_EQ(screen.lines().at(0), "running      ███████████████░░░░░░░░░░░░░░░  50%  0:15 left");
  EXPECT_EQ(screen.lines().at(2), "latency      p50 120 us    p99 900 us    max 14.0 ms");
}

TEST_F(BenchScreenTest, ALowTerminalShowsTheFirstLines) {
  size.rows = 3;
  screen = FakeScreen(80, 3);
  show(progress_at(seconds(1)));
  EXPECT_THAT(screen.lines(), ElementsAre(StartsWith("running "), StartsWith("rate ")));
}

// ---- Which one ----

TEST(BenchWatch, ScreensAreForTerminalsThatCanMoveTheirCursor) {
  std::string written;
  Output terminal([&](std::string_view bytes) { written += bytes; });
  const auto drawn_by = [&](const char* term, const char* no_color, BenchView view) {
    ::setenv("TERM", term, 1);
    ::setenv("NO_COLOR", no_color, 1);
    written.clear();
    const Load load;
    BenchWatch watch(load, view, terminal, Encoding::utf8);
    watch.on_second(row_of(0), {});
    watch.on_tick();
    return written;
  };
  EXPECT_THAT(drawn_by("xterm", "", BenchView::automatic), HasSubstr("\x1b[1m"));
  EXPECT_THAT(drawn_by("xterm", "1", BenchView::automatic), Not(HasSubstr("\x1b[1m")));
  EXPECT_THAT(drawn_by("xterm", "1", BenchView::automatic), HasSubstr("\x1b[J"));
  EXPECT_THAT(drawn_by("dumb", "", BenchView::automatic), StartsWith("     1 s  "));
  EXPECT_THAT(drawn_by("xterm", "", BenchView::lines), StartsWith("     1 s  "));
  EXPECT_EQ(drawn_by("xterm", "", BenchView::none), "");
}

}  // namespace
}  // namespace fairlead
