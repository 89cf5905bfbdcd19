#include "common/log/line_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdint>
#include <utility>

namespace fairlead {

namespace {

// A pipe that poll(2) calls writable has room for this much, so a write of it does not block.
constexpr std::size_t kPieceMax = PIPE_BUF;

// How often a thread that waits looks whether it still may.
constexpr int kLookUpMilliseconds = 50;

bool is_past(const WriteDeadline& deadline) noexcept {
  return std::chrono::steady_clock::now() >= deadline.load();
}

std::error_code no_room() noexcept {
  return std::make_error_code(std::errc::resource_unavailable_try_again);
}

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

// With O_NONBLOCK, opening a FIFO without a reader fails instead of waiting. It is then opened for
// reading too, which makes this process its reader.
int open_for_append(const std::string& path) noexcept {
  constexpr int kFlags = O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | kFlags, 0640);
  if (descriptor >= 0 || errno != ENXIO) return descriptor;
  return ::open(path.c_str(), O_RDWR | kFlags);
}

// A pipe or a terminal opened anew can be non-blocking without an effect on the processes that
// share the old one.
int open_anew(int descriptor) noexcept {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

}  // namespace

LineFile::LineFile(std::string path, std::error_code& error)
    : path_(std::move(path)), descriptor_(open_for_append(path_)) {
  error = descriptor_ ? std::error_code() : last_error();
}

LineFile::LineFile(int descriptor, std::error_code& error)
    : descriptor_(duplicate(descriptor, manner_)) {
  error = descriptor_ ? std::error_code() : last_error();
}

Descriptor LineFile::duplicate(int descriptor, Manner& manner) noexcept {
  struct stat found {};
  if (::fstat(descriptor, &found) != 0) return {};
  if (S_ISFIFO(found.st_mode) || ::isatty(descriptor) != 0)
    if (Descriptor anew(open_anew(descriptor)); anew) return anew;
  manner = S_ISSOCK(found.st_mode)  ? Manner::socket
           : S_ISREG(found.st_mode) ? Manner::nonblocking  // never blocks
                                    : Manner::by_piece;
  return Descriptor(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
}

LineFile::Written LineFile::write(std::string_view lines, const WriteDeadline& deadline) noexcept {
  if (lines.empty()) return {};
  if (!take_turn(deadline)) return {0, no_room()};
  const Written written = write_lines(lines, deadline);
  give_turn();
  return written;
}

bool LineFile::take_turn(const WriteDeadline& deadline) noexcept {
  std::unique_lock lock(mutex_);
  while (is_writing_) {
    if (is_past(deadline)) return false;
    turn_given_.wait_for(lock, std::chrono::milliseconds(kLookUpMilliseconds));
  }
  is_writing_ = true;
  return true;
}

void LineFile::give_turn() noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_writing_ = false;
  }
  turn_given_.notify_one();
}

LineFile::Written LineFile::write_lines(std::string_view lines,
                                        const WriteDeadline& deadline) noexcept {
  if (torn_)
    if (const Written newline = write_all("\n", deadline); newline.bytes == 0) return newline;
  torn_ = false;
  const Written written = write_all(lines, deadline);
  torn_ = written.bytes > 0 && lines[written.bytes - 1] != '\n';
  return written;
}

std::error_code LineFile::reopen() noexcept {
  if (path_.empty()) return {};
  const Descriptor fresh(open_for_append(path_));
  if (!fresh) return last_error();
  // dup3() is atomic: the writing thread sees the old file or the new one, and needs no lock.
  const bool replaced = ::dup3(fresh.get(), descriptor_.get(), O_CLOEXEC) >= 0;
  return replaced ? std::error_code() : last_error();
}

LineFile::Written LineFile::write_all(std::string_view bytes,
                                      const WriteDeadline& deadline) noexcept {
  Written written;
  while (written.bytes < bytes.size() && !written.error) {
    if (manner_ == Manner::by_piece && !wait_for_room(deadline)) {
      written.error = no_room();
    } else if (const long result = write_some(bytes.substr(written.bytes)); result >= 0) {
      written.bytes += static_cast<std::size_t>(result);
    } else if (errno == EAGAIN) {
      if (is_past(deadline) || !wait_for_room(deadline)) written.error = no_room();
    } else if (errno != EINTR) {
      written.error = last_error();
    }
  }
  return written;
}

long LineFile::write_some(std::string_view bytes) noexcept {
  switch (manner_) {
    case Manner::socket:
      return ::send(descriptor_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Manner::by_piece:
      return ::write(descriptor_.get(), bytes.data(), std::min(bytes.size(), kPieceMax));
    case Manner::nonblocking:
      break;
  }
  return ::write(descriptor_.get(), bytes.data(), bytes.size());
}

bool LineFile::wait_for_room(const WriteDeadline& deadline) const noexcept {
  while (true) {
    pollfd room{descriptor_.get(), POLLOUT, 0};
    const bool hurried = is_past(deadline);
    const int ready = ::poll(&room, 1, hurried ? 0 : kLookUpMilliseconds);
    if (ready > 0) return true;  // room, or an error that write(2) will name
    if (ready < 0 && errno != EINTR) return false;
    if (ready == 0 && hurried) return false;
  }
}

bool LineFile::is_file_of(int descriptor) const noexcept {
  struct stat own {
  }, other{};
  return ::fstat(descriptor_.get(), &own) == 0 && ::fstat(descriptor, &other) == 0 &&
         own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

bool LineFile::is_journal(std::string_view journal_stream) const noexcept {
  return fairlead::is_journal(descriptor_.get(), journal_stream);
}

bool is_journal(int descriptor, std::string_view journal_stream) noexcept {
  struct stat own {};
  std::uint64_t device = 0, inode = 0;
  const char* const end = journal_stream.data() + journal_stream.size();
  const auto [colon, error] = std::from_chars(journal_stream.data(), end, device);
  if (error != std::errc() || colon == end || *colon != ':') return false;
  const auto [last, error_too] = std::from_chars(colon + 1, end, inode);
  return error_too == std::errc() && last == end && ::fstat(descriptor, &own) == 0 &&
         own.st_dev == device && own.st_ino == inode;
}

int standard_descriptor_of(std::string_view path) noexcept {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"})
    for (const int number : {STDOUT_FILENO, STDERR_FILENO})
      if (path.starts_with(folder) && path.substr(folder.size()) == (number == 1 ? "1" : "2"))
        return number;
  return -1;
}

void hold_standard_descriptors() noexcept {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    // open() returns this number: it is the lowest free one.
    if (descriptor == STDIN_FILENO) {
      static_cast<void>(::open("/dev/null", O_RDONLY));
    } else if (::open("/dev/full", O_WRONLY) < 0) {
      static_cast<void>(::open("/dev/null", O_WRONLY));
    }
  }
}

}  // namespace fairlead
