// What a daemon that crashes says on stderr before it ends.
#pragma once

#include <memory>

namespace fairlead {

// Has SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT write one line and a backtrace to stderr; then
// the default action follows, with its core dump and its wait status. A signal that has a handler
// already, such as a sanitizer's, is left to it. At the beginning of main(), on the main thread.
// The texts live as long as the process; the line begins with `mark`.
void report_crashes(const char* version, const char* mark = "") noexcept;

// The calling thread's stack for that handler, or the overflow of its own would not be reported.
// Made and destroyed on that thread; the main thread has one by report_crashes().
class CrashStack {
 public:
  CrashStack();
  ~CrashStack();
  CrashStack(const CrashStack&) = delete;
  CrashStack& operator=(const CrashStack&) = delete;

 private:
  const std::unique_ptr<char[]> stack_;
};

}  // namespace fairlead
