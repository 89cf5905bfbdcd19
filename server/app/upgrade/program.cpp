#include "server/app/upgrade/program.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/base/descriptor.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kPidDigitsMax = 12;

// What the child needs between vfork(2) and execve(2), where it shares the memory of its parent and
// may only make system calls.
struct Child {
  const char* path;
  char* const* arguments;
  char* const* environment;
  char* pid_digits;        // room for kPidDigitsMax, with NUL bytes
  const int* descriptors;  // above those that they become
  int descriptor_count;
  const sigset_t* mask;
  int failure;  // takes an errno if there is no execve(2), which closes it
};

void take_default_signals() {
  struct sigaction action {};
  for (int number = 1; number < NSIG; ++number) {
    const bool is_ignored = number == SIGHUP || number == SIGUSR1 || number == SIGUSR2;
    action.sa_handler = is_ignored ? SIG_IGN : SIG_DFL;
    ::sigaction(number, &action, nullptr);
  }
}

[[noreturn]] void become(Child& child) {
  std::to_chars(child.pid_digits, child.pid_digits + kPidDigitsMax, ::getpid());
  take_default_signals();
  bool is_right = true;
  for (int i = 0; i < child.descriptor_count && is_right; ++i)
    is_right = ::dup2(child.descriptors[i], kFirstChildDescriptor + i) >= 0;
  // Sockets that Asio accepts are not closed by execve(2).
  const auto rest = static_cast<unsigned>(kFirstChildDescriptor + child.descriptor_count);
  is_right = is_right && ::syscall(SYS_close_range, rest, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
  if (is_right) {
    ::sigprocmask(SIG_SETMASK, child.mask, nullptr);
    ::execve(child.path, child.arguments, child.environment);
  }
  const int error = errno;
  static_cast<void>(!::write(child.failure, &error, sizeof error));
  ::_exit(127);
}

// The child must not return from the function that has called vfork(2).
[[gnu::noinline]] pid_t start(Child& child) {
  const pid_t pid = ::vfork();
  if (pid == 0) become(child);
  return pid;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::vector<std::string> environment_with(const Program& program,
                                          const std::vector<ChildVariable>& variables) {
  std::vector<std::string> environment = program.environment;
  for (const ChildVariable& variable : variables) {
    std::erase_if(environment,
                  [&](const std::string& each) { return name_of(each) == variable.name; });
    if (variable.value) environment.push_back(std::string(variable.name) + '=' + *variable.value);
  }
  return environment;
}

// What the child has written; 0: it has executed the program. Memory would not tell: sanitizers,
// for one, make a fork(2) of a vfork(2).
int error_of_child(const Descriptor& pipe) {
  int error = 0;
  ssize_t size = 0;
  while ((size = ::read(pipe.get(), &error, sizeof error)) < 0 && errno == EINTR) {
  }
  return size == sizeof error ? error : 0;
}

tl::unexpected<Failure> cannot_start(const Program& program, int error) {
  return failure("cannot execute " + program.path + ": " + std::generic_category().message(error));
}

}  // namespace

Program Program::of_this_process(int argument_count, char** arguments) {
  Program program;
  // What execve(2) was given, also where a shell has looked through PATH.
  const auto* const path = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  std::error_code unknown;
  if (path != nullptr)
    program.path = std::filesystem::absolute(path, unknown).lexically_normal().string();
  program.arguments.assign(arguments, arguments + argument_count);
  for (char** variable = environ; *variable != nullptr; ++variable)
    program.environment.emplace_back(*variable);
  return program;
}

Outcome<pid_t> start_process(const Program& program, const std::vector<ChildVariable>& variables,
                             std::string_view pid_variable, const std::vector<int>& descriptors) {
  // Out of the way of the numbers that they become.
  std::vector<Descriptor> moved;
  std::vector<int> numbers;
  const int above = kFirstChildDescriptor + static_cast<int>(descriptors.size());
  for (const int descriptor : descriptors) {
    moved.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, above));
    if (!moved.back()) return cannot_start(program, errno);
    numbers.push_back(moved.back().get());
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return cannot_start(program, errno);
  const Descriptor reading_end(ends[0]);
  Descriptor writing_end(ends[1]);
  writing_end = Descriptor(::fcntl(writing_end.get(), F_DUPFD_CLOEXEC, above));
  if (!writing_end) return cannot_start(program, errno);
  std::vector<std::string> arguments = program.arguments;
  std::vector<std::string> environment = environment_with(program, variables);
  std::erase_if(environment,
                [&](const std::string& each) { return name_of(each) == pid_variable; });
  std::string pid_text = std::string(pid_variable) + '=';
  const std::size_t digits = pid_text.size();
  pid_text.resize(digits + kPidDigitsMax);
  environment.push_back(std::move(pid_text));
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  const std::vector<char*> environment_pointers = pointers_to(environment);

  // No handler of ours runs in the child, which has our memory.
  sigset_t all, before, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Child child{.path = program.path.c_str(),
              .arguments = argument_pointers.data(),
              .environment = environment_pointers.data(),
              .pid_digits = environment.back().data() + digits,
              .descriptors = numbers.data(),
              .descriptor_count = static_cast<int>(numbers.size()),
              .mask = &none,
              .failure = writing_end.get()};
  const pid_t pid = start(child);
  const int fork_error = pid < 0 ? errno : 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (fork_error != 0) return cannot_start(program, fork_error);
  writing_end = Descriptor();
  const int error = error_of_child(reading_end);
  if (error == 0) return pid;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return cannot_start(program, error);
}

}  // namespace fairlead
