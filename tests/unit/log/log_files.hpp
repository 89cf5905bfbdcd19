// Shared by the tests of the log: a folder of their own, pipes, and lines to look at.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace fairlead {

// A test that waits for longer has failed.
inline constexpr std::chrono::seconds kDeadline{20};

// Waits for another thread to make `condition` true.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// A folder that ends with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "fairlead_log_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<std::string> lines_in(const std::string& content) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end; (end = content.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(content.substr(begin, end - begin));
  }
  EXPECT_EQ(begin, content.size()) << "the last line has no end";
  return lines;
}

// A pipe of two pages. (One of a single page would not be writable again until it is empty.)
class SmallPipe {
 public:
  static constexpr std::size_t kRoom = 8192;

  SmallPipe() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    ::fcntl(ends_[1], F_SETPIPE_SZ, kRoom);
  }
  ~SmallPipe() {
    close_reader();
    close_writer();
  }
  SmallPipe(const SmallPipe&) = delete;
  SmallPipe& operator=(const SmallPipe&) = delete;

  int writer() const { return ends_[1]; }
  void close_reader() { close(0); }
  void close_writer() { close(1); }

  // Takes all the room there is.
  void fill() {
    const std::string bytes(kRoom, '#');
    ASSERT_EQ(::write(ends_[1], bytes.data(), kRoom), static_cast<ssize_t>(kRoom));
  }
  // Waits for at least one byte, then returns what is there; "" when the last writer is closed, and
  // after the deadline, which is a failure.
  std::string read_some() {
    pollfd reader{ends_[0], POLLIN, 0};
    const auto deadline = std::chrono::milliseconds(kDeadline).count();
    if (::poll(&reader, 1, static_cast<int>(deadline)) != 1) {
      ADD_FAILURE() << "nothing came through the pipe";
      return {};
    }
    std::string bytes(kRoom, '\0');
    const ssize_t size = ::read(ends_[0], bytes.data(), bytes.size());
    bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return bytes;
  }
  std::string read_to_end() {
    std::string all;
    for (std::string some; !(some = read_some()).empty();) all += some;
    return all;
  }

 private:
  void close(int end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }
  int ends_[2] = {-1, -1};
};

}  // namespace fairlead
