// Where finished lines end up: a descriptor that may be full, closed at the other end, or replaced
// at any time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace fairlead {

// One open destination of lines. write() belongs to one background thread; the rest may be called
// from any. Nothing throws, and a line that cannot be written is the caller's to count.
class LineFile {
 public:
  // Appends to the file `path`, which is created (mode 0640) where it is missing. A FIFO may be
  // without a reader: what fits into it waits for one.
  LineFile(std::string path, std::error_code& error);
  // A duplicate of `descriptor`, which stays the caller's. Nothing to reopen.
  LineFile(int descriptor, std::error_code& error);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // Writes whole lines, waiting while the other end has no room. Returns how many bytes have left;
  // what is behind them is lost, and what is written next starts on a line of its own all the same.
  std::size_t write(std::string_view lines) noexcept;

  // Opens the path again, for whoever has renamed the file; on an error the old one goes on being
  // written.
  std::error_code reopen() noexcept;

  // From `when` on, a write waits for room no longer.
  void stop_waiting_at(std::chrono::steady_clock::time_point when) noexcept { wait_until_ = when; }

  const std::string& path() const noexcept { return path_; }  // "" for a duplicate

 private:
  // How a write is kept from blocking.
  enum class Manner {
    nonblocking,  // the open file is
    socket,       // each call says so
    by_piece,     // neither can be said: no more at a time than poll(2) has promised room for
  };

  void duplicate(int descriptor) noexcept;
  std::size_t write_all(std::string_view bytes) noexcept;
  long write_some(std::string_view bytes) noexcept;
  bool wait_for_room() const noexcept;
  bool is_hurried() const noexcept;

  const std::string path_;
  Manner manner_ = Manner::nonblocking;
  int descriptor_ = -1;  // constant while open: reopen() replaces what the number refers to
  bool torn_ = false;    // the last write ended within a line
  std::atomic<std::chrono::steady_clock::time_point> wait_until_{
      std::chrono::steady_clock::time_point::max()};
};

// Opens what is closed of stdin, stdout and stderr, to be called before anything else is opened:
// the first client would otherwise get one of their numbers, and read what is meant for the
// terminal. What is written there fails, as on a full disk, so that it is counted as lost.
void hold_standard_descriptors() noexcept;

}  // namespace fairlead
