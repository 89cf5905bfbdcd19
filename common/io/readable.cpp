#include "common/io/readable.hpp"

#include <sys/epoll.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <utility>

#include "common/io/loop_core.hpp"

namespace fairlead {

// Asio makes what it waits for non-blocking, so it is given an epoll set that holds the descriptor.
struct Readable::Waiting {
  Waiting(LoopCore& core, int descriptor)
      : loop(core), set(core.context(), ::epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    // A file can always be read, and epoll refuses it.
    always = ::epoll_ctl(set.native_handle(), EPOLL_CTL_ADD, descriptor, &wanted) != 0;
  }

  // `self` is kept by what Asio keeps: a cancelled wait still comes back.
  static void wait(const std::shared_ptr<Waiting>& self) {
    const auto call = [self, ticket = ++self->ticket] {
      if (ticket != self->ticket || !self->ready) return;
      const auto now = std::exchange(self->ready, nullptr);
      self->loop.turn(now);
    };
    if (self->always) return asio::post(self->loop.context(), call);
    self->set.async_wait(asio::posix::descriptor_base::wait_read,
                         [call](const boost::system::error_code& failed) {
                           if (!failed) call();
                         });
  }

  LoopCore& loop;
  asio::posix::basic_stream_descriptor<LoopExecutor> set;
  bool always = false;
  std::uint64_t ticket = 0;  // of the latest wait; earlier ones are void
  std::function<void()> ready;
};

Readable::Readable(Loop& loop, int descriptor)
    : waiting_(std::make_shared<Waiting>(loop.core(), descriptor)) {}

Readable::~Readable() { cancel(); }

void Readable::wait(std::function<void()> ready) {
  cancel();
  waiting_->ready = std::move(ready);
  Waiting::wait(waiting_);
}

void Readable::cancel() {
  waiting_->ready = nullptr;
  boost::system::error_code ignored;
  waiting_->set.cancel(ignored);
}

}  // namespace fairlead
