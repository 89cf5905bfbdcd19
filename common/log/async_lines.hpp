// Lines go from any thread through a bounded queue to one background thread, which meets the
// destination.
#pragma once

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

// How many lines were lost because the queue ran over or the destination failed.
struct LostLines {
  std::uint64_t since_last_report = 0;
  std::uint64_t total = 0;
};

// Lines one behind the other. The bound is the caller's: it drops the oldest.
class LineQueue {
 public:
  bool empty() const noexcept { return first_ == ends_.size(); }
  std::size_t lines() const noexcept { return ends_.size() - first_; }
  std::size_t bytes() const noexcept { return text_.size() - begin(); }
  std::string_view text() const noexcept { return std::string_view(text_).substr(begin()); }

  void push(std::string_view line);  // a newline is added; when it throws, nothing has changed
  void drop_oldest();
  void clear();  // gives back what only a burst needed

  // How many lines lie wholly within the first `bytes` of text().
  std::size_t lines_within(std::size_t bytes) const noexcept;

 private:
  std::size_t begin() const noexcept { return first_ == 0 ? 0 : ends_[first_ - 1]; }

  std::string text_;
  std::vector<std::size_t> ends_;  // of each line within text_
  std::size_t first_ = 0;          // those before it have been dropped
};

struct AsyncLinesOptions {
  std::size_t queue_lines = 8192;
  std::size_t queue_bytes = 2 << 20;  // the newest line is kept even when it alone is longer
  std::chrono::milliseconds close_wait{
      1000};  // what the end waits for a destination that takes nothing

  // All that follows is called on the background thread.

  // Says that lines were lost, not more than once a second: by a line for this destination, or
  // elsewhere, and returns "". A line that cannot be written either is asked for again later.
  std::function<std::string(LostLines)> on_lost{};
  // Called behind each batch, when the time has come that it returned, and at the end: appends
  // lines of its own, each with its newline.
  std::function<std::optional<std::chrono::steady_clock::time_point>(std::string& lines,
                                                                     bool ending)>
      on_batch{};
};

// Owns the file and one thread. write() may be called from any thread, never waits for the
// destination and never throws; when the queue is full the oldest line gives way. Order is kept.
// The end writes what is queued, and gives up after `close_wait`.
//
// The thread writes the first line after a quiet time at once and what has gathered since then once
// in kGather, all in one write. So however many lines there are, those who write them wake it a
// hundred times a second at most.
class AsyncLines {
 public:
  static constexpr std::chrono::milliseconds kGather{10};

  AsyncLines(std::unique_ptr<LineFile> file, AsyncLinesOptions options);
  ~AsyncLines();
  AsyncLines(const AsyncLines&) = delete;
  AsyncLines& operator=(const AsyncLines&) = delete;

  void write(std::string_view line) noexcept;  // without its newline

  // For a line that its writer could not even make.
  void count_lost_line() noexcept { count_lost(1); }

  LineFile& file() noexcept { return *file_; }
  std::uint64_t lines_lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  using Time = std::chrono::steady_clock::time_point;

  void run() noexcept;
  void wait_for_lines(std::unique_lock<std::mutex>& lock);
  void write_batch() noexcept;
  void write_own_lines(bool ending) noexcept;
  void report_losses(bool ending) noexcept;
  void count_lost(std::uint64_t lines) noexcept {
    lost_.fetch_add(lines, std::memory_order_relaxed);
  }

  const AsyncLinesOptions options_;
  const std::unique_ptr<LineFile> file_;
  std::atomic<std::uint64_t> lost_{0};

  std::mutex mutex_;
  std::condition_variable wake_up_;
  LineQueue queue_;      // by the mutex, as are the next two
  bool asleep_ = false;  // the thread waits for a line; whoever brings one has to wake it
  bool ending_ = false;

  // The background thread's.
  LineQueue batch_;
  std::uint64_t reported_ = 0;  // of lost_
  Time report_not_before_{};
  std::optional<Time> next_own_line_;  // what on_batch said

  std::thread thread_;  // last: it starts when all else is there
};

}  // namespace fairlead
