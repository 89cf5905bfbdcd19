#include "common/log/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <ctime>
#include <string>
#include <thread>

#include "common/base/descriptor.hpp"
#include "tests/unit/log/log_files.hpp"

namespace fairlead {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

struct TimedLine {
  std::time_t seconds = 0;
  std::string rest;
};

// Takes "2026-11-21T03:50:12.123Z" off the front.
TimedLine split(const std::string& line) {
  std::tm time{};
  const char* const fraction = ::strptime(line.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  EXPECT_NE(fraction, nullptr) << line;
  EXPECT_EQ(line.substr(19, 1) + line.substr(23, 1), ".Z") << line;
  EXPECT_TRUE(std::all_of(line.begin() + 20, line.begin() + 23, ::isdigit)) << line;
  return {::timegm(&time), line.substr(24)};
}

// In whole seconds. time(2) would not do: it lags the clock of the log by up to a tick of the
// kernel.
std::time_t precise_time() {
  return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
}

class LogTest : public ::testing::Test {
 protected:
  // Ends with everything written, so the files may be read then.
  template <class Use>
  void with_log(LogOptions options, Use&& use) {
    const auto opened = Log::open(options);
    ASSERT_TRUE(opened) << opened.error().what;
    use(**opened);
  }

  std::vector<std::string> lines_of(const std::string& name) {
    return lines_in(content_of(folder_ / name));
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_ / "log";
};

TEST_F(LogTest, WritesTextLinesWithTheTimeInUtc) {
  ASSERT_EQ(::setenv("TZ", "Asia/Shanghai", 1), 0);
  const std::time_t before = precise_time();
  with_log({.file = path_}, [](Log& log) {
    log.info("listening", {field("listener", "main"), field("address", "127.0.0.1:7878")});
  });
  const std::time_t after = precise_time();
  ::unsetenv("TZ");
  const auto lines = lines_of("log");
  ASSERT_THAT(lines, SizeIs(1));
  const TimedLine line = split(lines[0]);
  EXPECT_EQ(line.rest, " info listening listener=main address=127.0.0.1:7878");
  EXPECT_GE(line.seconds, before);
  EXPECT_LE(line.seconds, after);
}

// $JOURNAL_STREAM as it names that descriptor.
std::string journal_of(int descriptor) {
  struct stat found {};
  EXPECT_EQ(::fstat(descriptor, &found), 0);
  return std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino);
}

TEST_F(LogTest, BeginsLinesForTheJournalWithTheirPriority) {
  const Descriptor stream(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
  const auto log_all = [](Log& log) {
    log.debug("detail", {});
    log.info("event");
    log.warn("odd");
    log.error("bad");
    log.report(Level::info, "asked", {});
    log.print("<0>said by a client\n<0>twice");
  };
  const LogOptions options{.level = Level::debug,
                           .format = LogFormat::json,
                           .session_file = folder_ / "sessions",
                           .descriptor = stream.get(),
                           .journal_stream = journal_of(stream.get()),
                           .transcript = stream.get()};
  with_log(options, [&](Log& log) {
    log_all(log);
    log.sessions().warn("session");
  });
  auto lines = lines_of("log");
  std::ranges::sort(lines);  // transcripts are written by a thread of their own
  EXPECT_THAT(lines, ElementsAre(StartsWith("<3>{\"time\":"), StartsWith("<4>{"),
                                 "<6><0>said by a client", "<6><0>twice", StartsWith("<6>{"),
                                 StartsWith("<6>{"), StartsWith("<7>{")));
  EXPECT_THAT(lines_of("sessions"), ElementsAre(StartsWith("{\"time\":")));
}

TEST_F(LogTest, BeginsNoLineSoWhereStderrIsNotTheJournal) {
  const Descriptor stream(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
  const std::string journal = journal_of(stream.get());
  for (const std::string& other :
       {std::string(), std::string("1:2"), journal + "0", journal + ":", "x" + journal,
        journal.substr(0, journal.find(':') + 1), std::string(":")})
    with_log({.descriptor = stream.get(), .journal_stream = other},
             [](Log& log) { log.warn("event"); });
  for (const std::string& line : lines_of("log")) EXPECT_THAT(line, StartsWith("2"));
  EXPECT_THAT(lines_of("log"), SizeIs(7));
}

TEST_F(LogTest, WritesOneJsonObjectALine) {
  with_log({.format = LogFormat::json, .file = path_}, [](Log& log) {
    log.error("odd \"event\"\n", {field("n", 3), field("text", "%v {} 100%")});
  });
  const auto lines = lines_of("log");
  ASSERT_THAT(lines, SizeIs(1));
  ASSERT_THAT(lines[0], StartsWith(R"({"time":")"));
  EXPECT_THAT(split(lines[0].substr(9)).rest,
              AllOf(StartsWith(R"(","level":"error","event":"odd \"event\")"),
                    EndsWith(R"(","n":3,"text":"%v {} 100%"})")));
}

TEST_F(LogTest, WhateverAPeerSendsIsOneLine) {
  std::string every_byte;
  for (int value = 0; value < 256; ++value) every_byte += static_cast<char>(value);
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    std::filesystem::remove(path_);
    with_log({.format = format, .file = path_},
             [&](Log& log) { log.info(every_byte, {field(every_byte, every_byte)}); });
    EXPECT_THAT(lines_of("log"), SizeIs(1));
  }
}

TEST_F(LogTest, DropsWhatIsBelowItsLevel) {
  with_log({.level = Level::warn, .file = path_}, [](Log& log) {
    EXPECT_FALSE(log.enabled(Level::info));
    EXPECT_TRUE(log.enabled(Level::warn));
    log.write(Level::debug, "no", {});
    log.info("no");
    log.warn("first");
    log.error("second");
  });
  EXPECT_THAT(lines_of("log"), ElementsAre(EndsWith("warn first"), EndsWith("error second")));
}

TEST_F(LogTest, WritesNothingWhenItIsOff) {
  with_log({.level = Level::off, .file = path_}, [](Log& log) {
    EXPECT_FALSE(log.enabled(Level::error));
    EXPECT_FALSE(log.enabled(Level::off));
    log.error("no");
    log.write(Level::off, "no", {});
  });
  EXPECT_TRUE(lines_of("log").empty());
}

TEST_F(LogTest, KeepsTheOrder) {
  with_log({.file = path_}, [](Log& log) {
    for (int i = 0; i < 1000; ++i) log.info("e", {field("i", i)});
  });
  const auto lines = lines_of("log");
  ASSERT_THAT(lines, SizeIs(1000));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    ASSERT_THAT(lines[i], EndsWith("e i=" + std::to_string(i)));
  }
}

TEST_F(LogTest, SessionsShareTheLogAndItsLevel) {
  with_log({.level = Level::warn, .file = path_}, [](Log& log) {
    EXPECT_FALSE(log.sessions().enabled(Level::info));
    log.sessions().info("no");
    log.sessions().warn("session");
  });
  EXPECT_THAT(lines_of("log"), ElementsAre(EndsWith("warn session")));
}

TEST_F(LogTest, SessionsWithAFileOfTheirOwnDoNotDependOnTheLevel) {
  with_log({.level = Level::error, .file = path_, .session_file = folder_ / "sessions"},
           [](Log& log) {
             EXPECT_TRUE(log.sessions().enabled(Level::info));
             log.sessions().info("session");
             log.error("event");
           });
  EXPECT_THAT(lines_of("log"), ElementsAre(EndsWith("error event")));
  EXPECT_THAT(lines_of("sessions"), ElementsAre(EndsWith("info session")));
}

TEST_F(LogTest, LosesNothingAcrossARename) {
  with_log({.file = path_, .session_file = folder_ / "sessions"}, [&](Log& log) {
    for (int i = 0; i < 100; ++i) log.info("before");
    log.sessions().info("before");
    std::filesystem::rename(path_, folder_ / "log.1");
    std::filesystem::rename(folder_ / "sessions", folder_ / "sessions.1");
    log.reopen();
    for (int i = 0; i < 100; ++i) log.info("after");
    log.sessions().info("after");
  });
  const auto old_lines = lines_of("log.1"), new_lines = lines_of("log");
  EXPECT_EQ(old_lines.size() + new_lines.size(), 200u);
  EXPECT_GE(new_lines.size(), 100u);
  EXPECT_THAT(new_lines.back(), EndsWith("info after"));
  EXPECT_EQ(lines_of("sessions.1").size() + lines_of("sessions").size(), 2u);
  EXPECT_THAT(lines_of("sessions").back(), EndsWith("info after"));
}

TEST_F(LogTest, SaysInTheOldFileThatItCouldNotReopen) {
  with_log({.file = path_}, [&](Log& log) {
    std::filesystem::rename(path_, folder_ / "log.1");
    std::filesystem::create_directory(path_);
    log.reopen();
  });
  EXPECT_THAT(lines_of("log.1"), ElementsAre(EndsWith("error log_reopen_failed path=" + path_ +
                                                      " error=\"Is a directory\"")));
}

TEST_F(LogTest, NamesTheFileItCannotOpenAndWhatToDo) {
  const auto missing = Log::open({.file = folder_ / "none/log"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(missing.error().what,
            "cannot open the log file " + (folder_ / "none/log") +
                ": No such file or directory; create its folder, let this user write "
                "there, or name another file");

  const auto folder = Log::open({.file = path_, .session_file = folder_.path().string()});
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().what,
            "cannot open the log file " + folder_.path().string() +
                ": Is a directory; create its folder, let this user write there, or "
                "name another file");

  const auto closed = Log::open({.descriptor = -1});
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().what, "cannot log to stderr: Bad file descriptor");
}

TEST_F(LogTest, WritesToTheDescriptorWithoutAFile) {
  SmallPipe pipe;
  with_log({.descriptor = pipe.writer()}, [&](Log& log) {
    log.info("one");
    EXPECT_THAT(pipe.read_some(), EndsWith("info one\n"));
  });
}

TEST_F(LogTest, CountsTheLinesThatAFullDiskAndAClosedPipeCost) {
  SmallPipe pipe;
  pipe.close_reader();
  const auto lose_two = [](Log& log) {
    for (int i = 0; i < 2; ++i) log.info("lost");
    EXPECT_TRUE(eventually([&] { return log.lines_lost() == 2; })) << log.lines_lost();
  };
  with_log({.file = "/dev/full"}, lose_two);
  with_log({.descriptor = pipe.writer()}, lose_two);
}

TEST_F(LogTest, WritesWhatRepeatsNowAndThenAndCountsTheRest) {
  with_log({.file = path_, .repeats = 3}, [](Log& log) {
    for (int i = 0; i < 1000; ++i) log.warn("odd", {field("i", i)});
    for (int i = 0; i < 5; ++i) log.info("normal");
    for (int i = 0; i < 4; ++i) log.error("worse");
  });
  std::vector<std::string> seen;
  for (const auto& line : lines_of("log")) seen.push_back(split(line).rest);
  EXPECT_THAT(seen,
              ElementsAre(" warn odd i=0", " warn odd i=1", " warn odd i=2", " info normal",
                          " info normal", " info normal", " info normal", " info normal",
                          " error worse", " error worse", " error worse",
                          " warn suppressed what=odd n=997", " error suppressed what=worse n=1"));
}

TEST_F(LogTest, LimitsTheSessionLinesOfTheReasonsNamed) {
  with_log({.file = path_,
            .session_file = folder_ / "sessions",
            .repeats = 1,
            .limited_reasons = {"denied", "ip_limit"}},
           [](Log& log) {
             for (int i = 0; i < 3; ++i) {
               for (const char* reason : {"denied", "ip_limit", "reset"}) {
                 log.sessions().info("session", {field("reason", reason), field("i", i)});
               }
             }
           });
  std::vector<std::string> seen;
  for (const auto& line : lines_of("sessions")) seen.push_back(split(line).rest);
  EXPECT_THAT(seen,
              ElementsAre(" info session reason=denied i=0", " info session reason=ip_limit i=0",
                          " info session reason=reset i=0", " info session reason=reset i=1",
                          " info session reason=reset i=2",
                          " info suppressed what=session n=2 reason=denied",
                          " info suppressed what=session n=2 reason=ip_limit"));
  EXPECT_TRUE(lines_of("log").empty());
}

TEST_F(LogTest, WithoutALimitEveryRepetitionIsWritten) {
  with_log({.file = path_, .repeats = 0}, [](Log& log) {
    for (int i = 0; i < 50; ++i) log.warn("odd");
  });
  EXPECT_THAT(lines_of("log"), SizeIs(50));
}

TEST_F(LogTest, ASessionFileThatStandsStillCostsItsOwnLinesOnly) {
  const std::string fifo = folder_ / "sessions";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const std::string long_text(4000, 'x');
  with_log({.file = path_,
            .session_file = fifo,
            .queue_lines = 8,
            .close_wait = std::chrono::milliseconds(1)},
           [&](Log& log) {
             for (int i = 0; i < 100; ++i) log.sessions().info("session", {field("t", long_text)});
             log.info("event");
           });
  const auto lines = lines_of("log");
  ASSERT_GE(lines.size(), 2u);
  EXPECT_THAT(lines, ::testing::Contains(EndsWith(" info event")));
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr(" warn session_lines_lost n=")));
}

TEST_F(LogTest, EndsEvenIfNobodyTakesWhatIsQueued) {
  SmallPipe pipe;
  pipe.fill();
  with_log({.descriptor = pipe.writer(), .close_wait = std::chrono::milliseconds(1)}, [](Log& log) {
    for (int i = 0; i < 100; ++i) log.info("lost");
  });
  EXPECT_EQ(pipe.read_some(), std::string(SmallPipe::kRoom, '#'));
}

// However many lines a stalled reader costs: what arrives and what is reported as lost add up.
TEST_F(LogTest, AccountsForEveryLineThatGaveWay) {
  constexpr std::uint64_t kLines = 100;
  SmallPipe pipe;
  pipe.fill();
  std::uint64_t lost = 0;
  with_log({.descriptor = pipe.writer(), .queue_lines = 8}, [&](Log& log) {
    for (std::uint64_t i = 0; i < kLines; ++i) log.info("line", {field("i", i)});
    lost = log.lines_lost();
    EXPECT_GE(lost, kLines - 8 - 8);  // as many may be in the hands of the writing thread
    EXPECT_EQ(pipe.read_some(), std::string(SmallPipe::kRoom, '#'));
  });
  pipe.close_writer();
  std::uint64_t written = 0, reported = 0;
  std::string newest;
  for (const std::string& line : lines_in(pipe.read_to_end())) {
    if (line.find(" info line i=") != std::string::npos) {
      ++written;
      newest = line;
    }
    const std::size_t report = line.find(" warn log_lines_lost n=");
    if (report != std::string::npos) reported += std::stoul(line.substr(report + 23));
  }
  EXPECT_EQ(written + lost, kLines);
  EXPECT_EQ(reported, lost);
  EXPECT_THAT(newest, HasSubstr("line i=99")) << "the newest lines are the ones kept";
}

// ---- Transcripts ----

TEST_F(LogTest, PrintsTranscriptsExactlyAndInOrder) {
  SmallPipe pipe;
  with_log({.level = Level::off, .file = path_, .transcript = pipe.writer()}, [](Log& log) {
    log.print("收到数据:你好 %v {}");
    log.print("");
    log.print("two\nlines");
  });
  pipe.close_writer();
  EXPECT_EQ(pipe.read_to_end(), "收到数据:你好 %v {}\n\ntwo\nlines\n");
  EXPECT_TRUE(lines_of("log").empty());
}

TEST_F(LogTest, AReaderSeesEachLineOfATranscriptAtOnce) {
  SmallPipe pipe;
  with_log({.file = path_, .transcript = pipe.writer()}, [&](Log& log) {
    for (const char* line : {"one", "two"}) {
      log.print(line);
      EXPECT_EQ(pipe.read_some(), std::string(line) + "\n");
    }
  });
}

TEST_F(LogTest, ReportsWhatAClosedPipeCostATranscript) {
  SmallPipe pipe;
  pipe.close_reader();
  with_log({.file = path_, .transcript = pipe.writer()}, [](Log& log) { log.print("lost"); });
  EXPECT_THAT(lines_of("log"), ElementsAre(EndsWith(" warn transcript_lines_lost n=1 total=1")));
}

TEST_F(LogTest, ReportsWhatAStalledReaderCostATranscript) {
  SmallPipe pipe;
  pipe.fill();
  with_log({.file = path_,
            .transcript = pipe.writer(),
            .queue_lines = 4,
            .close_wait = std::chrono::milliseconds(1)},
           [](Log& log) {
             for (int i = 0; i < 50; ++i) log.print("lost");
           });
  EXPECT_THAT(lines_of("log").back(), EndsWith(" total=50"));
}

// ---- A reload

TEST_F(LogTest, AReloadChangesTheLevel) {
  LogOptions options{.level = Level::warn, .file = folder_ / "log"};
  with_log(options, [&](Log& log) {
    log.info("unheard");
    options.level = Level::info;
    auto change = log.prepare_change(options);
    ASSERT_TRUE(change);
    EXPECT_FALSE(log.enabled(Level::info)) << "only prepared";
    log.change(std::move(*change));
    EXPECT_TRUE(log.enabled(Level::info));
    log.info("heard");
  });
  EXPECT_THAT(lines_of("log"), ElementsAre(EndsWith("info heard")));
}

TEST_F(LogTest, AReloadChangesTheFiles) {
  LogOptions options{.file = folder_ / "old"};
  with_log(options, [&](Log& log) {
    LogSink& sessions = log.sessions();
    const auto change = [&](const std::string& file, const std::string& session_file) {
      options.file = file;
      options.session_file = session_file;
      auto prepared = log.prepare_change(options);
      ASSERT_TRUE(prepared) << prepared.error().what;
      log.change(std::move(*prepared));
    };
    // A line that is still queued at the change goes to the one file or to the other.
    const auto wait_for_lines = [&](const std::string& name, std::size_t count) {
      while (lines_of(name).size() < count) std::this_thread::yield();
    };
    change(folder_ / "new", folder_ / "sessions");
    log.info("one");
    sessions.info("session", {field("id", 1)});
    wait_for_lines("sessions", 1);
    change(folder_ / "new", folder_ / "others");
    sessions.info("session", {field("id", 2)});
    wait_for_lines("others", 1);
    change(folder_ / "new", "");
    sessions.info("session", {field("id", 3)});
    wait_for_lines("new", 2);
    change(folder_ / "last", folder_ / "others");
    sessions.info("session", {field("id", 4)});
    log.info("two");
  });
  EXPECT_THAT(lines_of("old"), SizeIs(0));
  EXPECT_THAT(lines_of("new"), ElementsAre(EndsWith("info one"), EndsWith("info session id=3")));
  EXPECT_THAT(lines_of("sessions"), ElementsAre(EndsWith("info session id=1")));
  EXPECT_THAT(lines_of("others"),
              ElementsAre(EndsWith("info session id=2"), EndsWith("info session id=4")));
  EXPECT_THAT(lines_of("last"), ElementsAre(EndsWith("info two")));
}

TEST_F(LogTest, AReloadLeadsAwayFromAFileThatStandsStill) {
  SmallPipe pipe;
  LogOptions options{.descriptor = pipe.writer(), .close_wait = std::chrono::milliseconds(1)};
  with_log(options, [&](Log& log) {
    log.info(std::string(3 * SmallPipe::kRoom, 'x'));
    pipe.read_some();  // it has begun, and waits for room again
    options.file = folder_ / "log";
    auto change = log.prepare_change(options);
    ASSERT_TRUE(change) << change.error().what;
    log.change(std::move(*change));
    log.info("written");
    while (content_of(folder_ / "log").find("written") == std::string::npos)
      std::this_thread::yield();
  });
}

TEST_F(LogTest, AReloadThatCannotOpenAFileChangesNothing) {
  LogOptions options{.level = Level::warn, .file = folder_ / "log"};
  with_log(options, [&](Log& log) {
    options.level = Level::debug;
    options.file = folder_ / "missing/log";
    const auto change = log.prepare_change(options);
    ASSERT_FALSE(change);
    EXPECT_THAT(change.error().what, HasSubstr("missing/log"));
    EXPECT_FALSE(log.enabled(Level::debug));
    log.warn("still here");
  });
  EXPECT_THAT(lines_of("log"), ElementsAre(EndsWith("warn \"still here\"")));
}

TEST_F(LogTest, WhatWasAskedForIsWrittenWhateverTheLevelAndHoweverOften) {
  with_log({.level = Level::off, .file = folder_ / "log", .repeats = 1}, [](Log& log) {
    for (int i = 0; i < 3; ++i) log.report(Level::error, "answer", {});
  });
  EXPECT_THAT(lines_of("log"), SizeIs(3));
}

}  // namespace
}  // namespace fairlead
