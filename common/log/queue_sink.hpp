// spdlog's way to a destination that may be slow or fail: a bounded queue of lines and a background
// thread that writes them.
#pragma once

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/log/line_file.hpp"

namespace fairlead {

// Lines that were lost because the queue was full or the destination failed.
struct LostLines {
  std::uint64_t since_last_report = 0;
  std::uint64_t total = 0;
};

// A FIFO of lines in one string. The caller bounds it by dropping the oldest.
class LineQueue {
 public:
  bool empty() const noexcept { return first_ == ends_.size(); }
  std::size_t lines() const noexcept { return ends_.size() - first_; }
  std::size_t bytes() const noexcept { return text_.size() - begin(); }
  std::string_view text() const noexcept { return std::string_view(text_).substr(begin()); }

  void push(std::string_view line);  // with its newline; when it throws, nothing has changed
  void drop_oldest();
  void clear();  // also frees the memory of a burst

  // The number of lines that lie wholly within the first `bytes` of text().
  std::size_t lines_within(std::size_t bytes) const noexcept;

 private:
  std::size_t begin() const noexcept { return first_ == 0 ? 0 : ends_[first_ - 1]; }

  std::string text_;
  std::vector<std::size_t> ends_;  // of each line within text_
  std::size_t first_ = 0;          // the lines before it have been dropped
};

struct QueueSinkOptions {
  const char* pattern = "%v";  // spdlog's; times are UTC
  std::size_t queue_lines = 8192;
  std::size_t queue_bytes = 2 << 20;           // the newest line is kept even if it alone is longer
  std::chrono::milliseconds close_wait{1000};  // how long the end waits for a blocked destination

  // Both run on the background thread and return the text of lines, which bypass the queue.

  // Reports lost lines, at most once a second: returns a line for this destination, or "" after
  // having reported elsewhere. A report that cannot be written is asked for again.
  std::function<std::string(LostLines)> on_lost{};
  // Runs after each batch, at the time it returned, and at the end; appends lines to `lines`.
  std::function<std::optional<std::chrono::steady_clock::time_point>(
      std::vector<std::string>& lines, bool ending)>
      on_batch{};
};

// Owns the file and one thread. Any thread may log; log() never waits for the destination. When the
// queue is full, the oldest line is dropped. Order is kept. The destructor writes what is queued,
// and gives up after `close_wait`.
//
// The thread writes the first line after a pause at once, and what has gathered since then every
// kGather in one write. So it is woken a hundred times a second at most, however many lines there
// are.
class QueueSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  static constexpr std::chrono::milliseconds kGather{10};

  QueueSink(std::unique_ptr<LineFile> file, QueueSinkOptions options);
  ~QueueSink() override;

  // Also called for a line that could not even be formatted.
  void count_lost(std::uint64_t lines = 1) noexcept {
    lost_.fetch_add(lines, std::memory_order_relaxed);
  }

  LineFile& file() noexcept { return *file_; }
  std::uint64_t lines_lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  using Time = std::chrono::steady_clock::time_point;

  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}  // the thread never holds a line back

  void run() noexcept;
  void wait_for_lines(std::unique_lock<std::mutex>& lock);
  void write_batch() noexcept;
  void write_own_lines(bool ending) noexcept;
  void report_losses(bool ending) noexcept;
  bool write_own_line(const std::string& text);

  const QueueSinkOptions options_;
  const std::unique_ptr<LineFile> file_;
  std::atomic<std::uint64_t> lost_{0};
  std::condition_variable wake_up_;

  // Guarded by base_sink's mutex_, as its formatter_ is.
  LineQueue queue_;
  spdlog::memory_buf_t line_;  // the line that is being formatted
  bool asleep_ = false;        // the thread waits for a line and must be woken
  bool ending_ = false;

  // The background thread's.
  LineQueue batch_;
  std::uint64_t reported_ = 0;  // of lost_
  Time report_not_before_{};
  std::optional<Time> next_own_line_;  // returned by on_batch

  std::thread thread_;  // last: it uses all members above
};

// A logger with this sink alone. It never throws: a line that fails is counted as lost.
std::unique_ptr<spdlog::logger> logger_to(const std::shared_ptr<QueueSink>& sink);

}  // namespace fairlead
