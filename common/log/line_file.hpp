// The destination of lines: a descriptor that may be full, closed at the other end, or replaced at
// any time.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>

#include "common/base/descriptor.hpp"

namespace fairlead {

// Until when a write waits for room. Its owner may change it at any time, also to the past, while a
// thread writes.
using WriteDeadline = std::atomic<std::chrono::steady_clock::time_point>;

// Any thread may call anything. Nothing throws. The caller counts the lines that could not be
// written.
class LineFile {
 public:
  // Appends to the file `path`, and creates it (mode 0640) where it is missing. A FIFO needs no
  // reader: what fits into it waits for one.
  LineFile(std::string path, std::error_code& error);
  // A duplicate of `descriptor`, which stays the caller's. Nothing to reopen.
  LineFile(int descriptor, std::error_code& error);

  // Writes whole lines, waiting while the other end has no room or another thread writes, but only
  // until `deadline`. Returns the number of bytes written, and why the rest, which is lost, was
  // not. The next write starts on a new line even after a torn one. A terminal that this user may
  // not open can make it wait for ever.
  struct Written {
    std::size_t bytes = 0;
    std::error_code error{};
  };
  Written write(std::string_view lines, const WriteDeadline& deadline) noexcept;

  // Opens the path again after the file was renamed. On an error the old file stays open.
  std::error_code reopen() noexcept;

  const std::string& path() const noexcept { return path_; }  // "" for a duplicate

  // Whether `descriptor` leads to the same file, pipe, socket or terminal.
  bool is_file_of(int descriptor) const noexcept;
  bool is_journal(std::string_view journal_stream) const noexcept;

 private:
  // What keeps a write from blocking.
  enum class Manner {
    nonblocking,  // O_NONBLOCK of the open file
    socket,       // MSG_DONTWAIT of each call
    by_piece,     // neither is possible: each write is as small as the room that poll(2) promises
  };

  static Descriptor duplicate(int descriptor, Manner& manner) noexcept;
  bool take_turn(const WriteDeadline& deadline) noexcept;
  void give_turn() noexcept;
  Written write_lines(std::string_view lines, const WriteDeadline& deadline) noexcept;
  Written write_all(std::string_view bytes, const WriteDeadline& deadline) noexcept;
  long write_some(std::string_view bytes) noexcept;
  bool wait_for_room(const WriteDeadline& deadline) const noexcept;

  const std::string path_;
  Manner manner_ = Manner::nonblocking;
  const Descriptor descriptor_;  // reopen() replaces what the number refers to

  // One thread writes, so that no line is written within another. A mutex alone could not be
  // waited for with a deadline that changes meanwhile.
  std::mutex mutex_;
  std::condition_variable turn_given_;
  bool is_writing_ = false;  // guarded by mutex_

  bool torn_ = false;  // the last write ended within a line; the writing thread's
};

// The number that is meant where a log's path names a standard descriptor: /dev/stdout,
// /proc/self/fd/2 and the like. -1: it names a file. open(2) could not open a socket there, nor a
// pipe of another user, and would write a file from its beginning.
int standard_descriptor_of(std::string_view path) noexcept;

// Whether a descriptor leads to the stream that $JOURNAL_STREAM names, `DEVICE:INODE`
// (systemd.exec(5)). A line there may begin with its priority, `<4>` (sd-daemon(3)).
bool is_journal(int descriptor, std::string_view journal_stream) noexcept;

// Opens those of stdin, stdout and stderr that are closed. Call it before anything else is opened:
// otherwise the first client gets one of their numbers, and what is meant for the terminal. Writes
// to them fail as on a full disk, so they are counted as lost.
void hold_standard_descriptors() noexcept;

}  // namespace fairlead
