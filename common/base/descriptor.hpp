// File descriptors: their owner, and the advice where none is left, or no thread.
#pragma once

#include <string>
#include <system_error>
#include <utility>

namespace fairlead {

// EMFILE (of this process) or ENFILE (of the machine).
bool lacks_descriptors(const std::error_code& code) noexcept;

// The advice about either, which follows its message.
inline constexpr const char* kAllowMoreDescriptors =
    "; allow more (ulimit -n, LimitNOFILE=, fs.file-max)";

// The same for a thread, which fails by EAGAIN.
inline constexpr const char* kAllowMoreThreads =
    "; allow more threads (ulimit -u, TasksMax=, --pids-limit)";

// The message of a failure, with the advice of either where it applies.
std::string advised(const std::system_error& failure);

// Owns one descriptor, or none, and closes it in the destructor. Move-only.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int get() const noexcept { return number_; }
  int release() noexcept { return std::exchange(number_, -1); }
  explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

}  // namespace fairlead
