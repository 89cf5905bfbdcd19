#include "server/app/crash_report.hpp"

#include <elf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fairlead {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;
constexpr int kFramesMax = 64;
constexpr std::array kCrashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

// Set before any handler is there.
const char* version = "";
const char* line_mark = "";
std::array<char, 2 * 32 + 1> build_id{};  // in hexadecimal; empty: the program has none

// A line without an allocation: everything here is async-signal-safe.
class Line {
 public:
  Line& operator<<(std::string_view text) noexcept {
    const std::size_t size = std::min(text.size(), bytes_.size() - size_);
    std::copy_n(text.data(), size, bytes_.data() + size_);
    size_ += size;
    return *this;
  }
  void add_number(std::uint64_t number, unsigned base) noexcept {
    std::array<char, 20> digits;
    std::size_t first = digits.size();
    do {
      digits[--first] = "0123456789abcdef"[number % base];
      number /= base;
    } while (number > 0);
    *this << std::string_view(digits.data() + first, digits.size() - first);
  }
  void write() const noexcept { static_cast<void>(!::write(STDERR_FILENO, bytes_.data(), size_)); }

 private:
  std::array<char, 512> bytes_;
  std::size_t size_ = 0;
};

// A process that nobody reads ends all the same; who shares the terminal does not notice.
class NoWaiting {
 public:
  NoWaiting() noexcept : flags_(::fcntl(STDERR_FILENO, F_GETFL)) {
    if (flags_ >= 0) ::fcntl(STDERR_FILENO, F_SETFL, flags_ | O_NONBLOCK);
  }
  ~NoWaiting() {
    if (flags_ >= 0) ::fcntl(STDERR_FILENO, F_SETFL, flags_);
  }
  NoWaiting(const NoWaiting&) = delete;
  NoWaiting& operator=(const NoWaiting&) = delete;

 private:
  const int flags_;
};

void report(int number, const siginfo_t& info) noexcept {
  const NoWaiting no_waiting;
  Line line;
  line << line_mark << "fairleadd: crashed: signal=" << ::sigabbrev_np(number);
  if (info.si_code > 0) {
    line << " address=0x";
    line.add_number(reinterpret_cast<std::uintptr_t>(info.si_addr), 16);
  } else {
    line << " sender_pid=";
    line.add_number(static_cast<std::uint64_t>(info.si_pid), 10);
  }
  line << " version=" << version;
  if (build_id[0] != '\0') line << " build_id=" << build_id.data();
  line << "; please report this, with the backtrace below\n";
  line.write();
  std::array<void*, kFramesMax> frames;
  ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), kFramesMax), STDERR_FILENO);
}

// SA_RESETHAND has put the default action back. A fault comes again when this returns, with the
// registers of its place in the core dump; what a process has sent does not.
void on_crash(int number, siginfo_t* info, void*) noexcept {
  report(number, *info);
  if (info->si_code <= 0) ::raise(number);
}

// A sanitizer gives each thread one, and frees it as its own.
bool has_stack() noexcept {
  stack_t present{};
  return ::sigaltstack(nullptr, &present) == 0 && (present.ss_flags & SS_DISABLE) == 0;
}

void install_stack(char* stack) noexcept {
  const stack_t alternate{.ss_sp = stack, .ss_flags = 0, .ss_size = kStackBytes};
  ::sigaltstack(&alternate, nullptr);
}

// Looks for the note in the program itself, which is the first object.
int find_build_id(dl_phdr_info* object, std::size_t, void*) noexcept {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (part.p_type != PT_NOTE) continue;
    const auto* at = reinterpret_cast<const char*>(object->dlpi_addr + part.p_vaddr);
    const char* const end = at + part.p_memsz;
    const auto padded = [](std::size_t size) { return (size + 3) / 4 * 4; };
    while (static_cast<std::size_t>(end - at) >= sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) note;
      ::memcpy(&note, at, sizeof note);
      const char* const name = at + sizeof note;
      const char* const value = name + padded(note.n_namesz);
      at = value + padded(note.n_descsz);
      if (at > end) break;
      if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 || ::memcmp(name, "GNU", 4) != 0)
        continue;
      for (std::size_t byte = 0; byte < note.n_descsz && 2 * byte + 2 < build_id.size(); ++byte) {
        const auto bits = static_cast<unsigned char>(value[byte]);
        build_id[2 * byte] = "0123456789abcdef"[bits >> 4];
        build_id[2 * byte + 1] = "0123456789abcdef"[bits & 15];
      }
      return 1;
    }
  }
  return 1;
}

}  // namespace

void report_crashes(const char* of_version, const char* mark) noexcept {
  static std::array<char, kStackBytes> main_stack;
  version = of_version;
  line_mark = mark;
  ::dl_iterate_phdr(find_build_id, nullptr);
  // The first call loads a library, which allocates.
  void* frame = nullptr;
  ::backtrace(&frame, 1);
  if (!has_stack()) install_stack(main_stack.data());
  struct sigaction crash {};
  crash.sa_sigaction = on_crash;
  crash.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
  for (const int number : kCrashes) {
    struct sigaction before {};
    ::sigaction(number, nullptr, &before);
    if (before.sa_handler == SIG_DFL) ::sigaction(number, &crash, nullptr);
  }
}

CrashStack::CrashStack()
    : stack_(has_stack() ? nullptr : std::make_unique_for_overwrite<char[]>(kStackBytes)) {
  if (stack_) install_stack(stack_.get());
}

CrashStack::~CrashStack() {
  const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  if (stack_) ::sigaltstack(&none, nullptr);
}

}  // namespace fairlead
