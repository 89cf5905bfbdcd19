// The transcripts on stdout, as the servers of the tutorials print them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/log/log_sink.hpp"

namespace spdlog {
class logger;
}

namespace fairlead {

class QueueSink;

struct TranscriptOptions {
  int descriptor = 1;                          // duplicated, stays the caller's
  std::size_t queue_lines = 8192;              // a longer queue loses its oldest line
  std::chrono::milliseconds close_wait{1000};  // how long the end waits for a blocked reader
};

// Writes lines to stdout exactly as given and in order, through a queue and a thread of its own: a
// stalled reader of stdout must not silence the log. Lost lines are reported in the log as
// `transcript_lines_lost`. Any thread may print. Owned by the application; the log outlives it.
class Transcript {
 public:
  // Throws std::system_error when the descriptor is not open.
  explicit Transcript(LogSink& log, TranscriptOptions options = {});
  ~Transcript();
  Transcript(const Transcript&) = delete;
  Transcript& operator=(const Transcript&) = delete;

  // One line or several, without the last newline. The caller has escaped what came from a peer.
  void print(std::string_view line) noexcept;

  std::uint64_t lines_lost() const noexcept;  // since the start; one print() counts as one

 private:
  std::shared_ptr<QueueSink> sink_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace fairlead
