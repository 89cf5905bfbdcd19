#include "common/io/signals.hpp"

#include <boost/asio/basic_signal_set.hpp>
#include <boost/system/system_error.hpp>
#include <system_error>
#include <utility>

#include "common/io/loop_core.hpp"

namespace fairlead {

struct Signals::Waiting {
  Waiting(LoopCore& core, std::function<void(int)> callback)
      : loop(core), set(core.context()), on_signal(std::move(callback)) {}

  void wait() {
    set.async_wait([this](const boost::system::error_code& failed, int number) {
      if (failed || stopped) return;
      wait();
      loop.turn([this, number] { on_signal(number); });
    });
  }

  LoopCore& loop;
  asio::basic_signal_set<LoopExecutor> set;
  std::function<void(int)> on_signal;
  bool stopped = false;  // a signal may have come before the cancellation that is told after it
};

Signals::Signals(Loop& loop, std::initializer_list<int> numbers,
                 std::function<void(int)> on_signal) try
    : waiting_(std::make_unique<Waiting>(loop.core(), std::move(on_signal))) {
  for (const int number : numbers) waiting_->set.add(number);
  waiting_->wait();
} catch (const boost::system::system_error& failed) {
  throw std::system_error(failed.code(), "cannot wait for signals");
}

Signals::~Signals() = default;

void Signals::stop() {
  waiting_->stopped = true;
  waiting_->set.cancel();
}

}  // namespace fairlead
