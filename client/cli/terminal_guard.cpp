#include "client/cli/terminal_guard.hpp"

#include <signal.h>
#include <termios.h>

#include <array>

namespace fairlead {
namespace {

// All that end a process by default, but KILL, which nothing catches, and INT, TERM and PIPE, which
// commands have handlers for.
constexpr std::array kSignals{SIGHUP,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,   SIGBUS,
                              SIGFPE,  SIGUSR1, SIGUSR2, SIGSEGV, SIGALRM,   SIGVTALRM,
                              SIGPROF, SIGSYS,  SIGXCPU, SIGIO,   SIGSTKFLT, SIGPWR};

// A handler finds only what is global.
int terminal = -1;
termios modes;

// tcsetattr(3) and raise(3) are safe in handlers (signal-safety(7)). SA_RESETHAND: the signal that
// is raised ends the process as soon as this returns.
void give_back(int number) {
  static_cast<void>(::tcsetattr(terminal, TCSANOW, &modes));
  static_cast<void>(::raise(number));
}

}  // namespace

TerminalGuard::TerminalGuard(int descriptor) {
  if (::tcgetattr(descriptor, &modes) != 0) return;
  terminal = descriptor;
  struct sigaction guard {};
  guard.sa_handler = give_back;
  guard.sa_flags = static_cast<int>(SA_RESETHAND);
  // SIGTTOU would stop a process in the background that gives its terminal back.
  ::sigfillset(&guard.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction before {};
    ::sigaction(kSignals[i], nullptr, &before);
    if (before.sa_handler != SIG_DFL) continue;
    ::sigaction(kSignals[i], &guard, nullptr);
    guarded_ |= std::size_t{1} << i;
  }
}

TerminalGuard::~TerminalGuard() {
  struct sigaction before {};
  before.sa_handler = SIG_DFL;
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    if ((guarded_ >> i & 1) != 0) ::sigaction(kSignals[i], &before, nullptr);
}

}  // namespace fairlead
