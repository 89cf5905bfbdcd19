#include "common/io/readable.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "common/base/background_thread.hpp"
#include "common/base/descriptor.hpp"
#include "common/io/loop_core.hpp"

namespace fairlead {
namespace {

Descriptor make_interrupt() {
  const int interrupt = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (interrupt < 0)
    throw std::system_error(errno, std::generic_category(), "cannot wait for input: eventfd");
  return Descriptor(interrupt);
}

// Also at the end, after an error, and always for a file.
bool is_readable(int descriptor) {
  pollfd asked{descriptor, POLLIN, 0};
  return ::poll(&asked, 1, 0) > 0;
}

}  // namespace

// Asio's own wait would make the descriptor non-blocking for everybody who shares it. Therefore a
// thread waits in poll(2), but only while nothing is there.
struct Readable::Waiting {
  Waiting(LoopCore& core, int number)
      : loop(core), descriptor(number), interrupt(make_interrupt()) {}
  ~Waiting() { cancel(); }

  void wait(const std::shared_ptr<Waiting>& self) {
    const auto tell = [&context = loop.context(), weak = std::weak_ptr(self), of = wait_number] {
      asio::post(context, [weak, of] {
        const auto waiting = weak.lock();
        if (waiting && waiting->wait_number == of) waiting->loop.turn([&] { waiting->call(); });
      });
    };
    if (is_readable(descriptor)) return tell();
    until_told.emplace(loop.context().get_executor());
    poller = start_background_thread([tell, number = descriptor, stop = interrupt.get()] {
      std::array<pollfd, 2> asked{pollfd{number, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
      while (::poll(asked.data(), asked.size(), -1) < 0 && errno == EINTR) {
      }
      if (asked[1].revents == 0) tell();
    });
  }

  void cancel() {
    ++wait_number;
    until_told.reset();
    if (!poller.joinable()) return;
    eventfd_t ignored = 0;
    ::eventfd_write(interrupt.get(), 1);
    poller.join();
    ::eventfd_read(interrupt.get(), &ignored);
  }

  void call() {
    cancel();
    if (const auto now = std::exchange(ready, nullptr)) now();
  }

  LoopCore& loop;
  const int descriptor;
  const Descriptor interrupt;  // readable: the poller is to end
  std::thread poller;
  std::optional<asio::executor_work_guard<LoopExecutor>> until_told;  // keeps the loop running
  std::uint64_t wait_number = 0;                                      // earlier ones are void
  std::function<void()> ready;
};

Readable::Readable(Loop& loop, int descriptor)
    : waiting_(std::make_shared<Waiting>(loop.core(), descriptor)) {}

Readable::~Readable() = default;

void Readable::wait(std::function<void()> ready) {
  cancel();
  waiting_->ready = std::move(ready);
  waiting_->wait(waiting_);
}

void Readable::cancel() {
  waiting_->cancel();
  waiting_->ready = nullptr;
}

}  // namespace fairlead
