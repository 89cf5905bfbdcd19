// The modes of a terminal, given back by a program that a signal kills.
#pragma once

#include <cstddef>

namespace fairlead {

// Stands around whatever changes the modes of a terminal. While it lives, a signal that ends the
// process sets the modes of its beginning first; the process then dies of that signal, as its
// parent expects. A signal that is ignored, or has a handler, is left alone. At most one lives at a
// time; used on one thread.
class TerminalGuard {
 public:
  explicit TerminalGuard(int descriptor);
  ~TerminalGuard();
  TerminalGuard(const TerminalGuard&) = delete;
  TerminalGuard& operator=(const TerminalGuard&) = delete;

 private:
  std::size_t guarded_ = 0;  // one bit for each signal that is
};

}  // namespace fairlead
