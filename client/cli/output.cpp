#include "client/cli/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "common/text/escape.hpp"

namespace fairlead {

std::string escaped_lines(Bytes text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find_first_of("\n\t"), text.size());
    Bytes part = text.substr(0, size);
    const bool line_ends = size < text.size() && text[size] == '\n';
    if (line_ends && part.ends_with('\r')) part.remove_suffix(1);
    append_escaped(out, part, part.size());
    if (size < text.size()) out += text[size];
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return out;
}

std::string in_encoding(std::string_view utf8, Encoding encoding) {
  std::string out;
  append_encoded(out, utf8, encoding);
  return out;
}

Output::Output(int descriptor) : descriptor_(descriptor), is_terminal_(::isatty(descriptor) == 1) {}

void Output::write(std::string_view bytes) {
  if (show_) return show_(bytes);
  while (!bytes.empty() && error_.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // The parent process made it non-blocking.
      pollfd room{.fd = descriptor_, .events = POLLOUT, .revents = 0};
      static_cast<void>(::poll(&room, 1, -1));
    } else if (errno != EINTR) {
      has_no_reader_ = errno == EPIPE;
      error_ = std::generic_category().message(errno);
    }
  }
}

ReportFile::ReportFile(std::string path) : path_(std::move(path)) {
  if (!is_wanted() || path_ == "-") return;
  constexpr int kWays = O_WRONLY | O_CREAT | O_CLOEXEC;
  file_ = Descriptor(::open(path_.c_str(), kWays | O_EXCL, 0666));
  is_empty_ = static_cast<bool>(file_);
  if (!file_) file_ = Descriptor(::open(path_.c_str(), kWays, 0666));
  if (!file_) error_ = std::generic_category().message(errno);
}

ReportFile::~ReportFile() {
  if (!is_empty_) return;
  // Another file may have its name by now.
  struct stat ours {
  }, named{};
  const bool is_ours = ::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
                       ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
  if (is_ours) static_cast<void>(::unlink(path_.c_str()));
}

void ReportFile::write(std::string_view text) {
  if (!error_.empty()) return;
  is_empty_ = false;
  // Pipes and devices have nothing to be replaced.
  if (file_ && ::ftruncate(file_.get(), 0) != 0 && errno != EINVAL) {
    error_ = std::generic_category().message(errno);
    return;
  }
  Output out(file_ ? file_.get() : 1);
  out.write(text);
  error_ = out.error();
}

}  // namespace fairlead
