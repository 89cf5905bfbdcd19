// The destination of lines: a descriptor that may be full, closed at the other end, or replaced at
// any time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include "common/base/descriptor.hpp"

namespace fairlead {

// One thread calls write(); any thread may call the rest. Nothing throws. The caller counts the
// lines that could not be written.
class LineFile {
 public:
  // Appends to the file `path`, and creates it (mode 0640) where it is missing. A FIFO needs no
  // reader: what fits into it waits for one.
  LineFile(std::string path, std::error_code& error);
  // A duplicate of `descriptor`, which stays the caller's. Nothing to reopen.
  LineFile(int descriptor, std::error_code& error);

  // Writes whole lines, waiting while the other end has no room. Returns the number of bytes
  // written; the rest is lost. The next write starts on a new line even after a torn one.
  std::size_t write(std::string_view lines) noexcept;

  // Opens the path again after the file was renamed. On an error the old file stays open.
  std::error_code reopen() noexcept;

  // From `when` on, write() does not wait for room.
  void stop_waiting_at(std::chrono::steady_clock::time_point when) noexcept { wait_until_ = when; }

  const std::string& path() const noexcept { return path_; }  // "" for a duplicate

 private:
  // What keeps a write from blocking.
  enum class Manner {
    nonblocking,  // O_NONBLOCK of the open file
    socket,       // MSG_DONTWAIT of each call
    by_piece,     // neither is possible: each write is as small as the room that poll(2) promises
  };

  static Descriptor duplicate(int descriptor, Manner& manner) noexcept;
  std::size_t write_all(std::string_view bytes) noexcept;
  long write_some(std::string_view bytes) noexcept;
  bool wait_for_room() const noexcept;
  bool is_hurried() const noexcept;

  const std::string path_;
  Manner manner_ = Manner::nonblocking;
  const Descriptor descriptor_;  // reopen() replaces what the number refers to
  bool torn_ = false;            // the last write ended within a line
  std::atomic<std::chrono::steady_clock::time_point> wait_until_{
      std::chrono::steady_clock::time_point::max()};
};

// Opens those of stdin, stdout and stderr that are closed. Call it before anything else is opened:
// otherwise the first client gets one of their numbers, and what is meant for the terminal. Writes
// to them fail as on a full disk, so they are counted as lost.
void hold_standard_descriptors() noexcept;

}  // namespace fairlead
