// Where finished lines end up: a descriptor that may be full, closed at the other end, or replaced
// at any time.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

namespace fairlead {

// One open destination of lines. write() belongs to one background thread; the rest may be called
// from any. Nothing throws, and a line that cannot be written is the caller's to count.
class LineFile {
 public:
  // Appends to the file `path`, which is created (mode 0640) where it is missing.
  LineFile(std::string path, std::error_code& error);
  // A duplicate of `descriptor`, which stays the caller's. Nothing to reopen.
  LineFile(int descriptor, std::error_code& error);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // Writes `line`, which ends with a newline, waiting while the other end has no room. False: it is
  // lost, in whole or in part; what is written next starts on a line of its own all the same.
  bool write(std::string_view line) noexcept;

  // Opens the path again, for whoever has renamed the file; on an error the old one goes on being
  // written.
  std::error_code reopen() noexcept;

  // From `when` on, a write waits for room no longer.
  void stop_waiting_at(std::chrono::steady_clock::time_point when) noexcept { wait_until_ = when; }

  const std::string& path() const noexcept { return path_; }  // "" for a duplicate

 private:
  bool write_all(std::string_view bytes, std::size_t& written) noexcept;
  bool wait_for_room() const noexcept;
  bool is_hurried() const noexcept;

  const std::string path_;
  int descriptor_ = -1;  // constant while open: reopen() replaces what the number refers to
  bool torn_ = false;    // the last write ended within a line
  std::atomic<std::chrono::steady_clock::time_point> wait_until_{
      std::chrono::steady_clock::time_point::max()};
};

}  // namespace fairlead
