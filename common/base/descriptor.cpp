#include "common/base/descriptor.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace fairlead {
namespace {

rlimit descriptor_limit() noexcept {
  rlimit limit{};
  static_cast<void>(::getrlimit(RLIMIT_NOFILE, &limit));
  return limit;
}

}  // namespace

bool lacks_descriptors(const std::error_code& code) noexcept {
  return code == std::errc::too_many_files_open || code == std::errc::too_many_files_open_in_system;
}

std::uint64_t descriptors_max() noexcept { return descriptor_limit().rlim_max; }

void raise_descriptor_limit() noexcept {
  rlimit limit = descriptor_limit();
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

std::string advised(const std::system_error& failure) {
  const char* advice = "";
  if (lacks_descriptors(failure.code())) advice = kAllowMoreDescriptors;
  if (failure.code() == std::errc::resource_unavailable_try_again) advice = kAllowMoreThreads;
  return failure.what() + std::string(advice);
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

// glibc has no wrapper of its own for openat2(2).
Descriptor open_below(int folder, const std::string& name, int flags, Symlinks symlinks,
                      unsigned mode) {
  constexpr int kTriesMax = 8;  // EAGAIN: something was renamed while the kernel looked
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  if ((flags & O_PATH) == 0) how.flags |= O_NOCTTY;  // O_PATH takes no such flag
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (symlinks == Symlinks::refused) how.resolve |= RESOLVE_NO_SYMLINKS;
  for (int i = 0; i < kTriesMax; ++i) {
    const long opened = ::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how);
    if (opened >= 0) return Descriptor(static_cast<int>(opened));
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return Descriptor();
}

}  // namespace fairlead
