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
#include <vector>

#include "common/log/log_sink.hpp"

namespace fairlead {

enum class LogFormat : std::uint8_t { text, json };

struct LogOptions {
  Level level = Level::info;  // the least important lines that are written
  LogFormat format = LogFormat::text;
  std::string file{};          // empty: `descriptor`
  std::string session_file{};  // empty: where the events go
  int descriptor = 2;          // duplicated, stays the caller's
  // How often a warning or an error of one event is written in RepeatLimit::kWindow; 0: always.
  std::uint64_t repeats = 10;
  // Session lines with one of these as `reason` are limited likewise, since a rejected client may
  // reconnect a thousand times a second. The texts outlive the log.
  std::vector<std::string_view> limited_reasons{};
  std::size_t queue_lines = 8192;              // a longer queue loses its oldest line
  std::chrono::milliseconds close_wait{1000};  // how long the end waits for a blocked destination
};

struct OpenedLog;

// Lines of the form
//   2026-11-21T03:50:12.123Z info listening listener=main address=127.0.0.1:7878
//   {"time":"2026-11-21T03:50:12.123Z","level":"info","event":"listening","listener":"main"}
// Built by the application, which keeps it until every shard has ended. Any thread may write.
//
// spdlog does levels, times and layout. Its sink (queue_sink.hpp) queues the line and returns; each
// destination has a thread of its own, so one that fails or lags costs its own lines and no wait.
// Lost lines are counted and reported as `log_lines_lost n=12 total=340` where they are missing,
// those of a session file as `session_lines_lost` in the log. Repeated lines are written now and
// then, and the rest counted: `suppressed what=session reason=denied n=340`. The destructor writes
// what is queued.
class Log final : public LogSink {
 public:
  // Opens the destinations. When that fails, there is no log but an error.
  static OpenedLog open(const LogOptions& options);
  ~Log() override;

  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override;
  bool enabled(Level level) const noexcept override;

  // Takes the one line per session. With a file of their own, these do not depend on the level.
  LogSink& sessions() noexcept;

  // Opens the files again by name, for log rotation. A failure is reported in the log, and the old
  // file is written further.
  void reopen();

  // Since the start; 0 session lines where they share the log's destination.
  std::uint64_t lines_lost() const noexcept;
  std::uint64_t session_lines_lost() const noexcept;

 private:
  class Output;

  Log() noexcept;

  std::unique_ptr<Output> events_;
  std::unique_ptr<Output> sessions_;  // ends first, as it reports its losses as an event
};

struct OpenedLog {
  std::unique_ptr<Log> log;
  std::string error;     // without a log: what could not be opened, why, and what to do
  std::error_code code;  // the reason, for the exit status
};

}  // namespace fairlead
