#include "client/commands/command_loop.hpp"

#include <signal.h>

#include <utility>

namespace fairlead {
namespace {

bool is_ignored(int number) noexcept {
  struct sigaction action {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

CommandLoop::CommandLoop(std::function<void()> on_interrupt)
    : shard_(Loop::read_clock()),
      connector_(loop_),
      on_signal_([call = std::move(on_interrupt)](const SignalEvent&) { call(); }),
      signals_(loop_, {SIGINT, SIGTERM}, on_signal_) {
  if (!is_ignored(SIGHUP)) hang_up_.emplace(loop_, std::initializer_list<int>{SIGHUP}, on_signal_);
  loop_.drive(shard_);
}

}  // namespace fairlead
