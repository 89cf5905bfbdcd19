// The daemon's log: events and sessions, as text or JSON lines, on stderr or in files that may be
// rotated.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

#include "common/log/log_sink.hpp"

namespace fairlead {

enum class LogFormat : std::uint8_t { text, json };

struct LogOptions {
  Level level = Level::info;  // below it nothing is written
  LogFormat format = LogFormat::text;
  std::string file{};          // empty: `descriptor`
  std::string session_file{};  // empty: where the events go
  int descriptor = 2;          // duplicated, stays the caller's
  std::size_t queue_lines =
      8192;  // what may wait; beyond it the oldest line is lost, and the loss reported
  std::chrono::milliseconds close_wait{
      2000};  // the end waits so long for a destination that takes nothing
};

struct OpenedLog;

// Lines of the form
//   2026-11-21T03:50:12.123Z info listening listener=main address=127.0.0.1:7878
//   {"time":"2026-11-21T03:50:12.123Z","level":"info","event":"listening","listener":"main"}
// Built by the application, which keeps it until every shard has ended; any thread may write.
// Writing queues the line and returns: a background thread meets the destination, and a destination
// that fails or lags costs lines, never a wait. Lost lines are counted and reported as
// `log_lines_lost n=12 total=340`. The end writes what is queued.
class Log final : public LogSink {
 public:
  // Opens what the options name. When that fails, there is no log but an error.
  static OpenedLog open(const LogOptions& options);
  ~Log() override;

  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override;
  bool enabled(Level level) const noexcept override;

  // For the one line per session. With a file of their own, these lines do not depend on the level.
  LogSink& sessions() noexcept;

  void set_level(Level level) noexcept;

  // Opens the files again by name, after something has renamed them. What cannot be opened is
  // reported in the log, and the old file goes on being written.
  void reopen();

  std::uint64_t lines_lost() const noexcept;  // so far

 private:
  class Sessions;
  struct Parts;

  explicit Log(std::unique_ptr<Parts> parts) noexcept;
  void write_to(std::size_t file, Level level, std::string_view event,
                std::span<const Field> fields) noexcept;

  std::unique_ptr<Parts> parts_;
};

struct OpenedLog {
  std::unique_ptr<Log> log;
  std::string error;     // when there is no log: what could not be opened, why, and what to do
  std::error_code code;  // why, for the exit status
};

}  // namespace fairlead
