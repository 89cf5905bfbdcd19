// File descriptors: their owner, how they are confined to a folder, and the advice where none is
// left, or no thread.
#pragma once

#include <cstdint>
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

// RLIMIT_NOFILE: how many this process may have once it has raised its limit, which is usually a
// thousand: few where every connection takes one.
std::uint64_t descriptors_max() noexcept;
void raise_descriptor_limit() noexcept;

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

// Symbolic links on the way of a name.
enum class Symlinks : std::uint8_t { refused, followed };

// openat2(2), as open(2) with O_CLOEXEC: nothing that is not below `folder` can be reached,
// whatever is renamed or linked meanwhile. Empty, and errno, on failure.
Descriptor open_below(int folder, const std::string& name, int flags,
                      Symlinks symlinks = Symlinks::refused, unsigned mode = 0);

}  // namespace fairlead
