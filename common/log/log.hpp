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
  Level level = Level::info;  // below it nothing is written
  LogFormat format = LogFormat::text;
  std::string file{};          // empty: `descriptor`
  std::string session_file{};  // empty: where the events go
  int descriptor = 2;          // duplicated, stays the caller's
  // How often a warning or an error of one event is written in RepeatLimit::kWindow; 0: always.
  std::uint64_t repeats = 10;
  // The same holds for each session line whose `reason` is one of these, which outlive the log:
  // whoever is turned away may come back a thousand times a second.
  std::vector<std::string_view> limited_reasons{};
  std::size_t queue_lines =
      8192;  // what may wait; beyond it the oldest line is lost, and the loss reported
  std::chrono::milliseconds close_wait{
      1000};  // the end waits so long for a destination that takes nothing
};

struct OpenedLog;

// Lines of the form
//   2026-11-21T03:50:12.123Z info listening listener=main address=127.0.0.1:7878
//   {"time":"2026-11-21T03:50:12.123Z","level":"info","event":"listening","listener":"main"}
// Built by the application, which keeps it until every shard has ended; any thread may write.
// Writing queues the line and returns: a background thread for each file meets the destination, and
// a destination that fails or lags costs its own lines, never a wait. Lost lines are counted and
// reported as `log_lines_lost n=12 total=340` where they are missing, those of a session file as
// `session_lines_lost` in the log. What repeats is written now and then, the rest counted:
// `suppressed what=session reason=denied n=340`. The end writes what is queued.
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

  // So far, for whatever reason; session lines only where they have a file of their own.
  std::uint64_t lines_lost() const noexcept;
  std::uint64_t session_lines_lost() const noexcept;

 private:
  class Output;
  class Sessions;
  struct Parts;

  explicit Log(std::unique_ptr<Parts> parts) noexcept;

  std::unique_ptr<Parts> parts_;
};

struct OpenedLog {
  std::unique_ptr<Log> log;
  std::string error;     // when there is no log: what could not be opened, why, and what to do
  std::error_code code;  // why, for the exit status
};

}  // namespace fairlead
