// The views of a fetch, with a simulated clock and terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <clocale>
#include <list>

#include "client/cli/amounts.hpp"
#include "client/cli/columns.hpp"
#include "client/cli/progress/progress_bars.hpp"
#include "client/cli/progress/progress_view.hpp"
#include "client/cli/progress/rate_meter.hpp"
#include "tests/unit/client/cli/fake_screen.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr TimePoint kStart{Duration(1'000'000)};
constexpr std::uint64_t kMiB = 1024 * 1024;
using State = FetchedFile::State;

// ---- Amounts ----

TEST(Amounts, SizesHaveThreeDigitsAndAUnit) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1024), "1.00 KiB");
  EXPECT_EQ(size_text(1536), "1.50 KiB");
  EXPECT_EQ(size_text(10 * 1024 - 1), "10.0 KiB");
  EXPECT_EQ(size_text(100 * 1024 - 1), "100 KiB");
  EXPECT_EQ(size_text(kMiB - 1), "1.00 MiB");
  EXPECT_EQ(size_text(12 * kMiB + kMiB / 2), "12.5 MiB");
  EXPECT_EQ(size_text(153 * kMiB), "153 MiB");
  EXPECT_EQ(size_text((std::uint64_t{1} << 32) + 1), "4.00 GiB");
  EXPECT_EQ(size_text(~std::uint64_t{0}), "16.0 EiB");
  EXPECT_EQ(rate_text(2048), "2.00 KiB/s");
  EXPECT_EQ(rate_text(1e300), rate_text(1e18));
}

TEST(Amounts, CountsHaveThreeDigitsAndAUnit) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(7), "7");
  EXPECT_EQ(count_text(12.34), "12.3");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(999.6), "1.00k");
  EXPECT_EQ(count_text(12'345), "12.3k");
  EXPECT_EQ(count_text(999'499), "999k");
  EXPECT_EQ(count_text(1'234'567), "1.23M");
  EXPECT_EQ(count_text(1e18), "1.00E");
}

TEST(Amounts, TimesAreRoundedUpAndReadAsAClockWouldShowThem) {
  EXPECT_EQ(time_text(Duration(0)), "0:00");
  EXPECT_EQ(time_text(Duration(1)), "0:01");
  EXPECT_EQ(time_text(Duration(65'000)), "1:05");
  EXPECT_EQ(time_text(Duration(3'599'000)), "59:59");
  EXPECT_EQ(time_text(Duration(3'599'001)), "1 h 00 m");
  EXPECT_EQ(time_text(std::chrono::minutes(123)), "2 h 03 m");
  EXPECT_EQ(time_text(std::chrono::hours(76)), "3 d 04 h");
  EXPECT_EQ(time_text(std::chrono::hours(24 * 365)), ">99 d");
}

TEST(Amounts, OnlyTheWholeIsAHundredPercent) {
  EXPECT_EQ(percent_text(0, 10), "0%");
  EXPECT_EQ(percent_text(999'999, 1'000'000), "99%");
  EXPECT_EQ(percent_text(~std::uint64_t{0} - 1, ~std::uint64_t{0}), "99%");
  EXPECT_EQ(percent_text(10, 10), "100%");
  EXPECT_EQ(percent_text(0, 0), "100%");
}

// ---- Rates ----

TEST(RateMeter, IsAnAverageOverSomeSeconds) {
  RateMeter meter;
  std::uint64_t bytes = 5000;
  TimePoint now = kStart;
  const auto run = [&](Duration time, std::uint64_t per_step) {
    for (const TimePoint end = now + time; now < end; now += Duration(10))
      meter.note(bytes += per_step, now);
  };
  EXPECT_EQ(meter.rate(), 0);
  run(Duration(200), 10);
  EXPECT_EQ(meter.rate(), 0) << "too short to say";
  run(Duration(20'000), 10);
  EXPECT_NEAR(meter.rate(), 1000, 10);
  run(Duration(2500), 30);
  EXPECT_NEAR(meter.rate(), 2000, 110) << "half of the window is faster";
  run(Duration(2500), 30);
  EXPECT_NEAR(meter.rate(), 3000, 110);
  run(Duration(6000), 0);
  EXPECT_EQ(meter.rate(), 0);
}

TEST(RateMeter, LooksNoMoreOftenThanFourTimesASecond) {
  RateMeter meter;
  meter.note(0, kStart);
  meter.note(9000, kStart + Duration(249));
  EXPECT_EQ(meter.rate(), 0);
  meter.note(1000, kStart + Duration(250));
  EXPECT_EQ(meter.rate(), 4000);
}

TEST(RateMeter, StartsAgainWhenBytesDecrease) {
  RateMeter meter;
  meter.note(1'000'000, kStart);
  meter.note(2'000'000, kStart + Duration(1000));
  meter.note(0, kStart + Duration(2000));
  EXPECT_EQ(meter.rate(), 0);
  meter.note(500, kStart + Duration(3000));
  EXPECT_EQ(meter.rate(), 500);
}

TEST(RateMeter, TimeLeftIsKnownOnlyWithARate) {
  EXPECT_EQ(time_left(0, 1000, 0), std::nullopt);
  EXPECT_EQ(time_left(400, 1000, 100), Duration(6000));
  EXPECT_EQ(time_left(1000, 1000, 100), Duration(0));
  EXPECT_EQ(time_text(*time_left(0, ~std::uint64_t{0}, 1)), ">99 d");
}

// ---- Columns and bars ----

class OnATerminal : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr); }
  void TearDown() override { std::setlocale(LC_CTYPE, "C"); }
};

std::size_t columns_in(std::string_view utf8) {
  std::size_t columns = 0;
  for (; !utf8.empty(); utf8.remove_prefix(utf8_step(utf8).size))
    columns += ::wcwidth(static_cast<wchar_t>(code_point(utf8.substr(0, utf8_step(utf8).size))));
  return columns;
}

TEST_F(OnATerminal, NamesAreFilledUpOrCutByColumns) {
  EXPECT_EQ(in_columns("abc", 5), "abc  ");
  EXPECT_EQ(in_columns("abcde", 5), "abcde");
  EXPECT_EQ(in_columns("abcdef", 5), "abcd~");
  EXPECT_EQ(in_columns("大文件", 6), "大文件");
  EXPECT_EQ(in_columns("大文件", 5), "大文~");
  EXPECT_EQ(in_columns("大文件", 4), "大~ ") << "no half of a character";
  EXPECT_EQ(in_columns("e\u0301e\u0301e\u0301", 2), "e\u0301~");
  EXPECT_EQ(in_columns("abc", 1), "~");
  EXPECT_EQ(in_columns("abc", 0), "");
  EXPECT_EQ(in_columns("a\u0378z", 3), "a?z") << "a code point without a width";
  EXPECT_EQ(in_columns("a\xffz", 3), "a?z");
  EXPECT_EQ(columns_of("大e\u0301\xff"), 4u);
}

TEST_F(OnATerminal, AWideBarShowsEverything) {
  const BarLine line{
      .name = "name", .here = 5 * kMiB, .size = 10 * kMiB, .size_known = true, .rate = kMiB};
  EXPECT_EQ(bar_text(line, 79),
            "name                      [=====>      ]   50%  5.00 MiB  1.00 MiB/s       0:05");
  EXPECT_EQ(bar_text(line, 40), "name                      50%       0:05");
}

TEST_F(OnATerminal, ABarIsAsWideAsItIsToldAndNoWider) {
  const BarLine lines[] = {
      {.name = "大文件.大文件.大文件", .here = 5, .size = 10, .size_known = true, .rate = 1e18},
      {.name = "name",
       .state = "retrying",
       .here = ~std::uint64_t{0},
       .size = 1,
       .size_known = true},
      {.name = "e\u0301", .here = 1023 * kMiB + kMiB - 1},
      {.name = "", .here = 0, .size = 0, .size_known = true, .rate = 1}};
  for (const BarLine& line : lines) {
    for (std::size_t columns = 1; columns < 200; ++columns)
      ASSERT_EQ(columns_in(bar_text(line, columns)), columns) << bar_text(line, columns);
  }
}

// ---- The views ----

// Files that are fetched, the time, and what is shown on stderr.
class Fetch {
 public:
  FetchedFile& add(std::string name, std::uint64_t size) {
    FetchedFile& file = files.emplace_back();
    file.name = std::move(name);
    file.size = size;
    file.size_known = true;
    file.state = State::fetching;
    return file;
  }
  void update(ProgressView& view) {
    std::vector<const FetchedFile*> active;
    for (const FetchedFile& file : files) active.push_back(&file);
    view.update(active, ended + files.size(), now);
  }
  // Lets all files grow at this rate.
  void run(ProgressView& view, Duration time, std::uint64_t per_second) {
    const auto steps = static_cast<std::uint64_t>(time / kProgressEvery);
    for (std::uint64_t i = 0; i < steps; ++i) {
      now += kProgressEvery;
      const std::uint64_t bytes = per_second * (i + 1) / 10 - per_second * i / 10;
      for (FetchedFile& file : files) file.here += bytes;
      update(view);
    }
  }
  void end_first(ProgressView& view, State state, std::string note = {}) {
    FetchedFile& file = files.front();
    file.state = state;
    file.note = std::move(note);
    view.on_file_ended(file, now);
    ++ended;
    files.pop_front();
  }

  std::list<FetchedFile> files;
  TimePoint now = kStart;
  std::uint64_t ended = 0;
};

class BarsTest : public OnATerminal {
 protected:
  FakeScreen screen{60};
  TerminalSize size{.columns = 60, .rows = 24};
  std::string written;
  Output err{[this](std::string_view bytes) {
    written = bytes;
    screen.write(bytes);
  }};
  ProgressView bars{ProgressForm::bars, err, Encoding::utf8, [this] { return size; }};
  Fetch fetch;
};

TEST_F(BarsTest, OneFileHasOneLineThatIsDrawnOver) {
  fetch.add("大文件", 10 * kMiB);
  fetch.update(bars);
  EXPECT_THAT(screen.lines(), ElementsAre("大文件                  0%       0 B"));
  fetch.run(bars, Duration(5000), kMiB);
  EXPECT_THAT(screen.lines(),
              ElementsAre("大文件                 50%  5.00 MiB  1.00 MiB/s       0:05"));
  EXPECT_FALSE(screen.wrapped);
}

TEST_F(BarsTest, SeveralFilesHaveALineForAllOfThem) {
  fetch.add("one", 10 * kMiB);
  fetch.add("two", 10 * kMiB).state = State::retrying;
  fetch.files.back().size_known = false;
  fetch.update(bars);
  fetch.run(bars, Duration(2000), kMiB);
  EXPECT_THAT(screen.lines(),
              ElementsAre("one                    20%  2.00 MiB  1.00 MiB/s       0:08",
                          "two                         2.00 MiB  1.00 MiB/s   retrying",
                          "0 of 2 files                4.00 MiB  2.00 MiB/s"));
}

TEST_F(BarsTest, NothingIsDrawnMoreThanTenTimesASecond) {
  fetch.add("one", kMiB);
  for (int i = 0; i < 1000; ++i, fetch.now += Duration(1)) fetch.update(bars);
  EXPECT_EQ(screen.writes, 10);
}

TEST_F(BarsTest, EndedFilesStayAboveTheBars) {
  for (const char* name : {"one", "two", "three", "four"}) fetch.add(name, 10 * kMiB);
  fetch.files.front().resumed = fetch.files.front().here = kMiB;
  fetch.update(bars);
  fetch.run(bars, Duration(9000), kMiB);
  fetch.end_first(bars, State::done);
  EXPECT_EQ(screen.lines().size(), 5u) << "with the next drawing";
  fetch.end_first(bars, State::skipped, "it is there already");
  fetch.end_first(bars, State::failed, "said elsewhere");
  fetch.run(bars, Duration(100), kMiB);
  // As wide as the terminal: it ends in the last column, and the next line begins below.
  const std::string ended = "one: 10.0 MiB in 0:09 (1.00 MiB/s), 1.00 MiB of it were here";
  EXPECT_THAT(screen.lines(), ElementsAre(ended, "two: skipped: it is there already",
                                          StartsWith("four "), StartsWith("3 of 4 files ")));
  bars.end();
  EXPECT_THAT(screen.lines(), ElementsAre(ended, "two: skipped: it is there already"));
}

TEST_F(BarsTest, ALineAboveMayBeWiderThanTheTerminal) {
  fetch.add("one", kMiB);
  fetch.add("two", kMiB);
  fetch.update(bars);
  bars.say(std::string(130, 'x'));
  EXPECT_THAT(screen.lines(),
              ElementsAre(std::string(60, 'x'), std::string(60, 'x'), std::string(10, 'x'),
                          StartsWith("one "), StartsWith("two "), StartsWith("0 of 2 ")));
}

TEST_F(BarsTest, SaidLinesAppearAtOnceAndStay) {
  fetch.add("one", 10 * kMiB);
  fetch.add("two", 10 * kMiB);
  fetch.update(bars);
  bars.say("fairlead: host: it changed");
  EXPECT_THAT(screen.lines(), ElementsAre("fairlead: host: it changed", StartsWith("one "),
                                          StartsWith("two "), StartsWith("0 of 2 ")));
  bars.say("and again");
  bars.end();
  EXPECT_THAT(screen.lines(), ElementsAre("fairlead: host: it changed", "and again"));
}

TEST_F(BarsTest, AFileThatEndsJustBeforeTheEndIsShown) {
  fetch.add("one", 0);
  fetch.end_first(bars, State::done);
  bars.end();
  EXPECT_THAT(screen.lines(), ElementsAre("one: 0 B"));
}

TEST_F(BarsTest, NamesAreEscaped) {
  fetch.add("\x1b[2J\n\x07", 1);
  fetch.update(bars);
  EXPECT_THAT(screen.lines(), ElementsAre(StartsWith("\\x1b[2J\\n\\x07")));
  fetch.end_first(bars, State::skipped, "\x1b[31m");
  bars.end();
  EXPECT_THAT(screen.lines(), ElementsAre("\\x1b[2J\\n\\x07: skipped: \\x1b[31m"));
}

TEST_F(BarsTest, NoMoreLinesThanTheTerminalHas) {
  screen = FakeScreen(60, 5);
  size.rows = 5;
  for (int i = 0; i < 16; ++i) fetch.add("file " + std::to_string(i), kMiB);
  fetch.update(bars);
  fetch.run(bars, Duration(1000), 100);
  EXPECT_THAT(screen.lines(), ElementsAre(StartsWith("file 0"), StartsWith("file 1"),
                                          StartsWith("file 2"), StartsWith("0 of 16 files")));
}

TEST_F(BarsTest, AWindowThatWasResizedIsFollowed) {
  fetch.add("one", kMiB);
  fetch.add("two", kMiB);
  fetch.update(bars);
  size.columns = 100;
  fetch.run(bars, Duration(100), 100);
  EXPECT_THAT(written, StartsWith("\r\x1b[2A")) << "three lines have three rows";
  size.columns = 40;
  fetch.run(bars, Duration(100), 100);
  EXPECT_THAT(written, StartsWith("\r\x1b[8A")) << "each line of 99 columns has become three rows";
  size.columns = 40;
  fetch.run(bars, Duration(100), 100);
  EXPECT_THAT(written, StartsWith("\r\x1b[2A"));
  for (const std::size_t columns : {0, 1, 2, 3}) {
    size.columns = size.rows = columns;
    fetch.run(bars, Duration(100), 100);
  }
}

TEST_F(BarsTest, AreWrittenInTheTerminalsEncoding) {
  // Not for FakeScreen, which reads UTF-8.
  Output bytes([this](std::string_view more) { written = more; });
  ProgressView gbk(ProgressForm::bars, bytes, Encoding::gbk, [this] { return size; });
  fetch.add("好", 1);
  fetch.update(gbk);
  EXPECT_THAT(written, StartsWith("\r\xba\xc3 "));
}

class LinesTest : public testing::Test {
 protected:
  std::vector<std::string> lines;
  Output err{[this](std::string_view bytes) { lines.emplace_back(bytes); }};
  Fetch fetch;
};

TEST_F(LinesTest, OneInTenSecondsForTheWholeAndOneForEachFile) {
  ProgressView view(ProgressForm::lines, err, Encoding::utf8, {});
  fetch.add("one\n", 30 * kMiB);
  fetch.update(view);
  fetch.run(view, Duration(9900), kMiB);
  EXPECT_THAT(lines, IsEmpty());
  fetch.run(view, Duration(100), kMiB);
  EXPECT_THAT(lines, ElementsAre("one\\n: 10.0 MiB of 30.0 MiB (33%), 1.00 MiB/s, 0:20 left\n"));
  fetch.add("two", 30 * kMiB).size_known = false;
  fetch.end_first(view, State::done);
  lines.clear();
  fetch.run(view, Duration(10'000), kMiB);
  EXPECT_THAT(lines, ElementsAre(StartsWith("1 of 2 files, 20.0 MiB, ")));
  view.say("said");
  EXPECT_EQ(lines.back(), "said\n");
}

TEST_F(LinesTest, AnEndedFileIsALineUnlessItFailed) {
  ProgressView view(ProgressForm::lines, err, Encoding::utf8, {});
  for (const char* name : {"one", "two", "three"}) fetch.add(name, 3);
  fetch.update(view);
  fetch.end_first(view, State::failed, "said elsewhere");
  EXPECT_THAT(lines, IsEmpty());
  fetch.end_first(view, State::skipped);
  fetch.end_first(view, State::done, "it had changed");
  EXPECT_THAT(lines, ElementsAre("two: skipped\n", "three: 0 B: it had changed\n"));
}

TEST_F(LinesTest, ResumedBytesDoNotCountForTheRate) {
  ProgressView whole(ProgressForm::lines, err, Encoding::utf8, {});
  ProgressView each(ProgressForm::json, err, Encoding::utf8, {});
  FetchedFile& file = fetch.add("one", 30 * kMiB);
  file.state = State::checking;
  for (int i = 0; i <= 100; ++i, fetch.now += kProgressEvery) {
    file.here = file.resumed = static_cast<std::uint64_t>(i) * kMiB / 10;
    fetch.update(whole);
    fetch.update(each);
  }
  EXPECT_EQ(lines.at(lines.size() - 2), "one: 10.0 MiB of 30.0 MiB (33%), 0 B/s\n");
  EXPECT_THAT(lines.back(), HasSubstr("\"rate\":0,\"state\":\"checking\",\"seconds_left\":null"));
}

TEST_F(LinesTest, AFileAtAReusedAddressIsMeasuredAfresh) {
  ProgressView view(ProgressForm::lines, err, Encoding::utf8, {});
  FetchedFile file{.name = "one", .here = 0};
  const std::array<const FetchedFile*, 1> active{&file};
  const auto fetch_it = [&](TimePoint from, Duration time) {
    view.update(active, {}, from);
    file.here = 3000;
    file.state = State::done;
    view.on_file_ended(file, from + time);
    file = {.name = "two"};
  };
  fetch_it(kStart, Duration(3000));
  fetch_it(kStart + Duration(7000), Duration(1500));
  EXPECT_THAT(lines, ElementsAre("one: 2.93 KiB in 0:03 (1000 B/s)\n",
                                 "two: 2.93 KiB in 0:02 (1.95 KiB/s)\n"));
}

TEST_F(LinesTest, JsonIsAnObjectALine) {
  ProgressView view(ProgressForm::json, err, Encoding::utf8, {});
  FetchedFile& file = fetch.add("\"\x1b好", 20 * kMiB);
  file.resumed = file.here = kMiB;
  fetch.update(view);
  fetch.run(view, Duration(1000), 1'000'000);
  EXPECT_THAT(lines,
              ElementsAre("{\"event\":\"progress\",\"name\":\"\\\"\\u001b好\",\"bytes\":2048576,"
                          "\"size\":20971520,\"resumed\":1048576,\"rate\":1000000,"
                          "\"state\":\"fetching\",\"seconds_left\":19}\n"));
  lines.clear();
  file.size_known = false;
  file.state = State::retrying;
  fetch.run(view, Duration(1000), 0);
  EXPECT_THAT(lines, ElementsAre(AllOf(HasSubstr("\"size\":null"), HasSubstr("\"retrying\""),
                                       HasSubstr("\"seconds_left\":null"))));
  lines.clear();
  fetch.end_first(view, State::failed, "the disk is full");
  EXPECT_THAT(lines,
              ElementsAre("{\"event\":\"failed\",\"name\":\"\\\"\\u001b好\",\"bytes\":2048576,"
                          "\"size\":null,\"resumed\":1048576,\"rate\":500000,"
                          "\"note\":\"the disk is full\"}\n"));
  view.say("fairlead: said");
  EXPECT_EQ(lines.back(), "fairlead: said\n");
}

TEST_F(LinesTest, NoneShowsOnlyWhatIsSaid) {
  ProgressView view(ProgressForm::none, err, Encoding::utf8, {});
  fetch.add("one", kMiB);
  fetch.update(view);
  fetch.run(view, Duration(20'000), 1);
  view.say("said");
  fetch.end_first(view, State::done);
  view.end();
  EXPECT_THAT(lines, ElementsAre("said\n"));
}

// What a view of that form writes at once on a terminal of that kind.
std::string first_drawing(const char* term, ProgressForm form) {
  if (term == nullptr) {
    ::unsetenv("TERM");
  } else {
    ::setenv("TERM", term, 1);
  }
  std::string written;
  Output err([&](std::string_view bytes) { written += bytes; });
  Fetch fetch;
  fetch.add("one", kMiB);
  ProgressView view(form, err, Encoding::utf8, [] { return TerminalSize(); });
  fetch.update(view);
  return written;
}

TEST_F(OnATerminal, BarsAreDrawnWhereTheCursorCanBeMoved) {
  const char* const term = std::getenv("TERM");
  const std::string before = term == nullptr ? "" : term;
  EXPECT_THAT(first_drawing("xterm", ProgressForm::automatic), EndsWith("\x1b[J"));
  EXPECT_EQ(first_drawing("dumb", ProgressForm::automatic), "");
  EXPECT_EQ(first_drawing("", ProgressForm::automatic), "");
  EXPECT_EQ(first_drawing(nullptr, ProgressForm::automatic), "");
  EXPECT_THAT(first_drawing(nullptr, ProgressForm::bars), EndsWith("\x1b[J"))
      << "as it was asked for";
  if (term != nullptr) ::setenv("TERM", before.c_str(), 1);
}

}  // namespace
}  // namespace fairlead
