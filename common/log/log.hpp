// The daemon's log: events and sessions, as text or JSON lines, on stderr or in files that may be
// rotated.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <tl/expected.hpp>
#include <vector>

#include "common/log/log_sink.hpp"

namespace fairlead {

enum class LogFormat : std::uint8_t { text, json };

struct LogOptions {
  Level level = Level::info;  // the least important lines that are written
  LogFormat format = LogFormat::text;
  std::string file{};          // empty: `descriptor`; /dev/stdout and the like: that descriptor
  std::string session_file{};  // empty: where the events go
  int descriptor = 2;          // duplicated, stays the caller's
  // $JOURNAL_STREAM: lines that go there begin with their priority (sd-daemon(3)), those of the
  // transcripts, too, or a client could choose one.
  std::string journal_stream{};
  int transcript = -1;  // the descriptor for print(), likewise; -1: nothing is printed
  // How often a warning or an error of one event is written in RepeatLimit::kWindow; 0: always.
  std::uint64_t repeats = 10;
  // Session lines with one of these as `reason` are limited likewise, since a rejected client may
  // reconnect a thousand times a second. The texts outlive the log.
  std::vector<std::string_view> limited_reasons{};
  // A longer queue loses its oldest line; the newest is kept even if it alone is longer.
  std::size_t queue_lines = 8192, queue_bytes = 2 << 20;
  std::chrono::milliseconds close_wait{1000};  // how long the end waits for a blocked destination
};

class LogOutput;
class LineFile;

struct LogError {
  std::string what;      // what could not be opened, why, and what to do
  std::error_code code;  // the reason, for the exit status
};

// Lines of the form
//   2026-11-21T03:50:12.123Z info listening listener=main address=127.0.0.1:7878
//   {"time":"2026-11-21T03:50:12.123Z","level":"info","event":"listening","listener":"main"}
// Built by the application, which keeps it until every shard has ended. Any thread may write.
//
// spdlog does times and layout. A sink (log_output.hpp) queues the line and returns; each
// destination has a thread of its own, so one that fails or lags costs its own lines and no wait.
// Lost lines are counted and reported as `log_lines_lost n=12 total=340` where they are missing,
// those of a session file as `session_lines_lost` and those of the transcripts as
// `transcript_lines_lost` in the log. That a file cannot be written or opened again is said on
// stderr, too. Repeated lines are written now and then, and the rest counted:
// `suppressed what=session reason=denied n=340`. The destructor writes what is queued.
class Log final : public LogSink {
 public:
  static tl::expected<std::unique_ptr<Log>, LogError> open(const LogOptions& options);
  ~Log() override;

  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override;
  void report(Level level, std::string_view event, std::span<const Field> fields) noexcept override;
  bool enabled(Level level) const noexcept override;

  // Takes the one line per session. With a file of their own, these do not depend on the level.
  LogSink& sessions() noexcept;

  // Prints a line of the transcripts, as the servers of the tutorials do: one line or several,
  // without the last newline, exactly as given. The caller has escaped what came from a peer.
  void print(std::string_view line) noexcept;

  // What a reload changes: level, file and session_file of `options`; nothing else of them is
  // looked at. Opens the files that are new, beside those that are written to. From any thread, but
  // not while change() runs.
  class Change;
  tl::expected<Change, LogError> prepare_change(const LogOptions& options) const;
  void change(Change change) noexcept;

  // Opens the files again by name, for log rotation. A failure is reported in the log, and the old
  // file is written further.
  void reopen();

  // Writes what is queued; nobody logs any more. False: a write waits for ever (a terminal that
  // nobody reads, a disk that does not answer), so this log cannot be destroyed, and the process
  // ends by _exit(2).
  bool finish() noexcept;

  // Since the start; 0 session lines where they share the log's destination.
  std::uint64_t lines_lost() const noexcept;
  std::uint64_t session_lines_lost() const noexcept;
  std::uint64_t transcript_lines_lost() const noexcept;

 private:
  // Where the session lines go now.
  class SessionSink;
  explicit Log(const LogOptions& options);

  bool has_session_file() const noexcept;

  LogOptions options_;                  // of now
  std::unique_ptr<LogOutput> console_;  // stderr, for what cannot be written to a file
  std::unique_ptr<LogOutput> events_;
  std::unique_ptr<LogOutput> sessions_, transcript_;  // end first: they report losses as events
  std::unique_ptr<SessionSink> session_sink_;
};

// Opened, and not yet written to.
class Log::Change {
 public:
  Change(Change&&) noexcept;
  Change& operator=(Change&&) noexcept;
  ~Change();

 private:
  friend class Log;
  Change() noexcept;

  LogOptions options_;
  std::shared_ptr<LineFile> events_, sessions_;  // null: it stays
  std::unique_ptr<LogOutput> console_output_,
      session_output_;  // null: there is one, or need not be
};

}  // namespace fairlead
