#include "server/files/file_root.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "server/service/service_settings.hpp"

namespace fairlead {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const noexcept { return number_; }

 private:
  int number_;
};

class DiskFile final : public OpenFile {
 public:
  DiskFile(Descriptor descriptor, std::uint64_t size)
      : descriptor_(std::move(descriptor)), size_(size) {}

  std::uint64_t size_bytes() const noexcept override { return size_; }

  std::ptrdiff_t read_at(std::uint64_t offset, char* into, std::size_t size) override {
    ssize_t got = -1;
    do {
      got = ::pread(descriptor_.get(), into, size, static_cast<off_t>(offset));
    } while (got < 0 && errno == EINTR);
    return got;
  }

 private:
  Descriptor descriptor_;
  std::uint64_t size_;
};

// glibc has no wrapper of its own for openat2(2).
int open_beneath(int root, const std::string& name, bool symlinks) {
  constexpr int kTriesMax = 8;  // EAGAIN: something was renamed while the kernel looked
  open_how how{};
  how.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (!symlinks) how.resolve |= RESOLVE_NO_SYMLINKS;
  long descriptor = -1;
  for (int i = 0; i < kTriesMax; ++i) {
    descriptor = ::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how);
    if (descriptor >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return static_cast<int>(descriptor);
}

class DiskRoot final : public FileRoot {
 public:
  DiskRoot(Descriptor root, const FileSettings& settings)
      : root_(std::move(root)), settings_(settings) {}

  std::unique_ptr<OpenFile> open(std::string_view name) override {
    if (!is_servable_name(name, settings_.hidden)) return nullptr;
    Descriptor file(open_beneath(root_.get(), std::string(name), settings_.symlinks));
    struct stat found {};
    if (file.get() < 0 || ::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode))
      return nullptr;
    return std::make_unique<DiskFile>(std::move(file), static_cast<std::uint64_t>(found.st_size));
  }

 private:
  Descriptor root_;
  const FileSettings& settings_;
};

}  // namespace

bool is_servable_name(std::string_view name, bool hidden) {
  if (name.empty() || name.find('\0') != name.npos) return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view component = name.substr(begin, end - begin);
    if (component.empty() || component == "." || component == "..") return false;
    if (component.front() == '.' && !hidden) return false;
    begin = end + 1;
  }
  return true;
}

std::unique_ptr<FileRoot> DiskFileRoots::root_for(const FileSettings& settings) {
  if (settings.root.empty()) return nullptr;
  Descriptor root(::open(settings.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) {
    log_.warn("file root not served",
              {field("root", settings.root), field("why", std::generic_category().message(errno))});
    return nullptr;
  }
  return std::make_unique<DiskRoot>(std::move(root), settings);
}

}  // namespace fairlead
