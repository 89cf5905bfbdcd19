#include "common/base/background_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <system_error>
#include <utility>

namespace fairlead {
namespace {

// All signals but those that a thread raises by its own fault: if these were blocked, the kernel
// would kill the process without a handler (sigprocmask(2)).
sigset_t signals_from_outside() noexcept {
  sigset_t set;
  ::sigfillset(&set);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT})
    ::sigdelset(&set, own);
  return set;
}

class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    const sigset_t set = signals_from_outside();
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

std::thread start_background_thread(std::function<void()> work) {
  const SignalsBlocked inherited;
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "cannot begin a thread");
  }
}

void block_signals() noexcept {
  const sigset_t set = signals_from_outside();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void take_signals_anew() noexcept {
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace fairlead
