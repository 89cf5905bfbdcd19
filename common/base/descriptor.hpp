// File descriptors: who owns one, and what to do where none is left.
#pragma once

#include <string>
#include <system_error>
#include <utility>

namespace fairlead {

// EMFILE, of this process, or ENFILE, of the machine.
bool lacks_descriptors(const std::error_code& code) noexcept;

// What to do about either; follows its message.
inline constexpr const char* kAllowMoreDescriptors =
    "; allow more (ulimit -n, LimitNOFILE=, fs.file-max)";

// The message, and what to do about it if it is one of them.
std::string advised(const std::system_error& failure);

// Closes what it owns, if it owns something, when it ends. Move-only.
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
