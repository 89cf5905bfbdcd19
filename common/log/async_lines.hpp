// The only place that knows spdlog: lines go from any thread through its bounded queue to one
// background thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/line_file.hpp"

namespace fairlead {

// How many lines were lost because the queue ran over or the destination failed.
struct LostLines {
  std::uint64_t since_last_report = 0;
  std::uint64_t total = 0;
};

struct AsyncLinesOptions {
  std::vector<std::unique_ptr<LineFile>>
      files{};            // at least one; a line says by index where it goes
  std::string pattern{};  // spdlog's, in UTC; %v is the line
  std::size_t queue_lines = 8192;
  std::chrono::milliseconds close_wait{
      2000};  // what the end waits for a destination that takes nothing
  // Called on the background thread, once a burst of losses is over or at most once a second. What
  // it returns, unless that is empty, is written to the first file.
  std::function<std::string(LostLines)> on_lost{};
};

// Owns the files and one thread. write() may be called from any thread, never waits for a
// destination and never throws; when the queue is full the oldest line gives way. Order is kept.
// The end writes what is queued, and gives up after `close_wait`.
class AsyncLines {
 public:
  explicit AsyncLines(AsyncLinesOptions options);
  ~AsyncLines();
  AsyncLines(const AsyncLines&) = delete;
  AsyncLines& operator=(const AsyncLines&) = delete;

  void write(std::size_t file, std::string_view line) noexcept;

  // For a line that its writer could not even make.
  void count_lost_line() noexcept;

  const std::vector<std::unique_ptr<LineFile>>& files() const noexcept;
  std::uint64_t lines_lost() const noexcept;

 private:
  struct Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace fairlead
