// One destination of the log, which may be slow or fail: a bounded queue of lines, and a background
// thread that writes them.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "common/log/line_file.hpp"
#include "common/log/log.hpp"
#include "common/log/repeat_limit.hpp"

namespace fairlead {

// A FIFO of lines in one string, each with its newline. The caller bounds it by dropping the
// oldest.
class LineQueue {
 public:
  bool empty() const noexcept { return lines_ == 0; }
  std::size_t lines() const noexcept { return lines_; }
  std::size_t bytes() const noexcept { return text_.size() - begin_; }
  std::string_view text() const noexcept { return std::string_view(text_).substr(begin_); }

  void push(std::string_view lines);  // one or several; when it throws, nothing has changed
  void drop_oldest();
  void clear();  // also frees the memory of a burst

 private:
  std::string text_;
  std::size_t begin_ = 0;  // what is before it has been dropped
  std::size_t lines_ = 0;
};

// A sink of spdlog, which does the time and the layout. Owns the file and one thread. Any thread
// may log; none waits for the destination. When the queue is full, the oldest line is dropped.
// Order is kept. The destructor writes what is queued, and gives up after `close_wait`.
//
// The thread writes the first line after a pause at once, and what has gathered since then every
// kGather in one write. So it is woken a hundred times a second at most, however many lines there
// are.
class LogOutput final : public LogSink, private spdlog::sinks::base_sink<std::mutex> {
 public:
  static constexpr std::chrono::milliseconds kGather{10};

  // What the outputs of one log differ in.
  struct Role {
    const char* pattern = "%v";  // spdlog's; times are UTC
    Level level = Level::debug;  // the least important lines that are written
    // The event that reports lost lines, once a second at most. It goes to `losses_to`, or, where
    // that is null, to this output, where it bypasses the queue and is tried until it is written.
    std::string_view losses = "lines_lost";
    LogSink* losses_to = nullptr;
    // Where it is said that nothing can be written, once, and when it can again. Null: nowhere.
    LogSink* troubles_to = nullptr;
  };

  LogOutput(std::shared_ptr<LineFile> file, const LogOptions& options, const Role& role);
  ~LogOutput() override;

  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override;
  void report(Level level, std::string_view event,
              std::span<const Field> fields) noexcept override {
    put(level, event, fields);
  }
  bool enabled(Level level) const noexcept override {
    return level != Level::off && level >= level_.load(std::memory_order_relaxed);
  }

  // Puts `text` into the layout as it is.
  void print(std::string_view text, Level level = Level::info) noexcept;

  // Writes what is queued and ends the thread. False: it still waits within write(2), for which
  // `close_wait`, and as long again, was not enough. Nobody logs any more.
  bool finish() noexcept;

  // From any thread. What is queued may go to the one or to the other; what is being written to the
  // old one is given up after `close_wait`.
  std::shared_ptr<LineFile> file();
  void change_file(std::shared_ptr<LineFile> file, LogSink* troubles_to);
  void change_level(Level level) noexcept { level_.store(level, std::memory_order_relaxed); }
  std::uint64_t lines_lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  using Time = std::chrono::steady_clock::time_point;

  void lay_out(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line);
  void put(Level level, std::string_view event, std::span<const Field> fields) noexcept;
  bool admits(Level level, std::string_view event, std::span<const Field> fields);
  void count_lost(std::uint64_t lines = 1) noexcept {
    lost_.fetch_add(lines, std::memory_order_relaxed);
  }

  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}  // the thread never holds a line back

  void stop_waiting() noexcept;  // in `close_wait`; mutex_ is locked

  void run() noexcept;
  void wait_for_lines(std::unique_lock<std::mutex>& lock);
  void write_batch() noexcept;
  void note_trouble(const std::error_code& error) noexcept;
  void report_repeats(bool ending) noexcept;
  void report_losses(bool ending) noexcept;
  bool write_own_line(Level level, std::string_view event, std::span<const Field> fields);

  const LogOptions options_;
  const Role role_;
  std::atomic<Level> level_;
  RepeatLimit limit_;
  std::atomic<std::uint64_t> lost_{0};
  WriteDeadline deadline_{Time::max()};  // set with mutex_ locked
  std::condition_variable wake_up_, has_ended_;

  // Guarded by base_sink's mutex_, as its formatter_ is.
  std::shared_ptr<LineFile> file_;  // two outputs may end in one place
  bool is_journal_;
  LogSink* troubles_to_;
  LineQueue queue_;
  spdlog::memory_buf_t line_;  // the line that is being formatted
  bool asleep_ = false;        // the thread waits for a line and must be woken
  bool ending_ = false;
  bool ended_ = false;  // the thread writes no more

  // The background thread's.
  std::shared_ptr<LineFile> batch_file_;
  LineQueue batch_;
  std::uint64_t reported_ = 0;  // of lost_
  bool is_failing_ = false;
  Time report_not_before_{};
  Time repeats_due_ = Time::max();  // the next report of what repeats

  std::thread thread_;  // last: it uses all members above
};

}  // namespace fairlead
