// The transcripts on stdout: what the tutorials' servers print.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/log/log_sink.hpp"

namespace fairlead {

class AsyncLines;

struct TranscriptOptions {
  int descriptor = 1;  // duplicated, stays the caller's
  std::size_t queue_lines =
      8192;  // what may wait; beyond it the oldest line is lost, and the loss reported
  std::chrono::milliseconds close_wait{
      1000};  // the end waits so long for a reader that takes nothing
};

// Lines for stdout exactly as given, each written at once and in order, by a background thread of
// its own: a reader of stdout that has stalled must not silence the log. Lost lines are reported
// there as `transcript_lines_lost`. Any thread may print. Owned by the application; the log
// outlives it.
class Transcript {
 public:
  // Throws std::system_error when the descriptor is not open.
  explicit Transcript(LogSink& log, TranscriptOptions options = {});
  ~Transcript();
  Transcript(const Transcript&) = delete;
  Transcript& operator=(const Transcript&) = delete;

  // `line` is one line or several, without the last newline; what came from a peer in it is escaped
  // already.
  void print(std::string_view line) noexcept;

  std::uint64_t lines_lost() const noexcept;  // so far; what was one print() counts as one

 private:
  std::unique_ptr<AsyncLines> lines_;
};

}  // namespace fairlead
