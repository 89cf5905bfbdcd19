#include "common/log/line_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace fairlead {

namespace {

// A pipe that poll(2) calls writable has room for this much, so that the write after it does not
// block.
constexpr std::size_t kPieceMax = PIPE_BUF;

// How long it may take until a thread that waits for room sees that it should not any more.
constexpr int kLookUpMilliseconds = 50;

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

// O_NONBLOCK, because opening a FIFO without a reader would wait for one.
int open_for_append(const std::string& path) noexcept {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                0640);
}

}  // namespace

LineFile::LineFile(std::string path, std::error_code& error) : path_(std::move(path)) {
  descriptor_ = open_for_append(path_);
  error = descriptor_ < 0 ? last_error() : std::error_code();
}

LineFile::LineFile(int descriptor, std::error_code& error)
    : descriptor_(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) {
  error = descriptor_ < 0 ? last_error() : std::error_code();
}

LineFile::~LineFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool LineFile::write(std::string_view line) noexcept {
  std::size_t written = 0;
  if (torn_ && !write_all("\n", written)) return false;
  torn_ = false;
  written = 0;
  const bool complete = write_all(line, written);
  torn_ = !complete && written > 0;
  return complete;
}

std::error_code LineFile::reopen() noexcept {
  if (path_.empty()) return {};
  const int fresh = open_for_append(path_);
  if (fresh < 0) return last_error();
  // The writing thread sees the old file or the new one, and needs no lock.
  const bool replaced = ::dup3(fresh, descriptor_, O_CLOEXEC) >= 0;
  const std::error_code error = replaced ? std::error_code() : last_error();
  ::close(fresh);
  return error;
}

bool LineFile::write_all(std::string_view bytes, std::size_t& written) noexcept {
  while (written < bytes.size()) {
    if (!wait_for_room()) return false;
    const std::size_t piece = std::min(bytes.size() - written, kPieceMax);
    const ssize_t result = ::write(descriptor_, bytes.data() + written, piece);
    if (result >= 0) {
      written += static_cast<std::size_t>(result);
    } else if (errno != EINTR && (errno != EAGAIN || is_hurried())) {
      return false;
    }
  }
  return true;
}

bool LineFile::wait_for_room() const noexcept {
  while (true) {
    pollfd room{descriptor_, POLLOUT, 0};
    const bool hurried = is_hurried();
    const int ready = ::poll(&room, 1, hurried ? 0 : kLookUpMilliseconds);
    if (ready > 0) return true;  // room, or an error that write(2) will name
    if (ready < 0 && errno != EINTR) return false;
    if (ready == 0 && hurried) return false;
  }
}

bool LineFile::is_hurried() const noexcept {
  return std::chrono::steady_clock::now() >= wait_until_.load();
}

}  // namespace fairlead
