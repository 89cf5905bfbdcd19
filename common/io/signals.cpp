#include "common/io/signals.hpp"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "common/base/descriptor.hpp"
#include "common/io/loop_core.hpp"

namespace fairlead {
namespace {

// Asio's signal_set does not tell who sent a signal. Each number's writing end of a pipe; 0: none.
std::array<std::atomic<int>, NSIG> pipe_of_signal{};
static_assert(std::atomic<int>::is_always_lock_free, "a handler uses it");

// Async-signal-safe. A pipe takes an event whole or not at all; some thousand fit.
void note_signal(int number, siginfo_t* info, void*) noexcept {
  const int error = errno;
  const bool has_sender = info->si_code <= 0;
  const SignalEvent event{.number = number,
                          .has_sender = has_sender,
                          .sender_pid = has_sender ? info->si_pid : 0,
                          .sender_uid = has_sender ? info->si_uid : 0};
  const int pipe = pipe_of_signal[static_cast<std::size_t>(number)];
  if (pipe > 0) static_cast<void>(!::write(pipe, &event, sizeof event));
  errno = error;
}

std::system_error failed(const std::error_code& why) {
  return std::system_error(why, "cannot wait for signals");
}

}  // namespace

std::string SignalEvent::name() const {
  const char* const abbreviation = ::sigabbrev_np(number);
  return abbreviation == nullptr ? std::to_string(number) : abbreviation;
}

struct Signals::Waiting {
  Waiting(LoopCore& core, std::initializer_list<int> numbers,
          std::function<void(const SignalEvent&)> callback)
      : loop(core), pipe(core.context()), on_signal(std::move(callback)) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
      throw failed(std::error_code(errno, std::generic_category()));
    writing_end = Descriptor(ends[1]);
    Descriptor reading_end(ends[0]);
    boost::system::error_code failure;
    pipe.assign(reading_end.get(), failure);
    if (failure) throw failed(failure);
    reading_end.release();
    struct sigaction noting {};
    noting.sa_sigaction = note_signal;
    noting.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigfillset(&noting.sa_mask);
    for (const int number : numbers) {
      pipe_of_signal[static_cast<std::size_t>(number)] = writing_end.get();
      struct sigaction before {};
      ::sigaction(number, &noting, &before);
      taken.push_back({number, before});
    }
  }

  ~Waiting() {
    for (const auto& [number, before] : taken) {
      ::sigaction(number, &before, nullptr);
      pipe_of_signal[static_cast<std::size_t>(number)] = 0;
    }
  }

  void wait() {
    pipe.async_wait(Pipe::wait_read, [this](const boost::system::error_code& failure) {
      if (failure || stopped) return;
      SignalEvent event;
      const bool has_come = ::read(pipe.native_handle(), &event, sizeof event) == sizeof event;
      wait();
      if (has_come) loop.turn([this, &event] { on_signal(event); });
    });
  }

  using Pipe = asio::posix::basic_stream_descriptor<LoopExecutor>;
  struct Taken {
    int number;
    struct sigaction before;
  };

  LoopCore& loop;
  Pipe pipe;
  Descriptor writing_end;
  std::vector<Taken> taken;
  std::function<void(const SignalEvent&)> on_signal;
  bool stopped = false;  // a signal may have come before the cancellation that is told after it
};

Signals::Signals(Loop& loop, std::initializer_list<int> numbers,
                 std::function<void(const SignalEvent&)> on_signal)
    : waiting_(std::make_unique<Waiting>(loop.core(), numbers, std::move(on_signal))) {
  waiting_->wait();
}

Signals::~Signals() = default;

void Signals::stop() {
  waiting_->stopped = true;
  waiting_->pipe.cancel();
}

}  // namespace fairlead
