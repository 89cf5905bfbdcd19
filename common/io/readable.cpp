#include "common/io/readable.hpp"

#include <boost/asio/post.hpp>
#include <cstdint>
#include <utility>

#include "common/io/loop_core.hpp"

namespace fairlead {

struct Readable::Waiting final : Watcher {
  Waiting(LoopCore& core, int number) : loop(core), descriptor(number) {}
  ~Waiting() { cancel(); }

  // A file can always be read, and epoll refuses it; the call comes later all the same.
  void wait(const std::shared_ptr<Waiting>& self) {
    if (loop.watch(descriptor, 0, EPOLLIN, *this) == 0) {
      watched = EPOLLIN;
      return;
    }
    asio::post(loop.context(), [weak = std::weak_ptr(self), of = ++wait_number] {
      const auto waiting = weak.lock();
      if (waiting && waiting->wait_number == of) waiting->loop.turn([&] { waiting->call(); });
    });
  }

  void cancel() {
    ++wait_number;
    loop.watch(descriptor, std::exchange(watched, 0), 0, *this);
  }

  void on_ready(std::uint32_t) override { call(); }

  void call() {
    cancel();
    if (const auto now = std::exchange(ready, nullptr)) now();
  }

  LoopCore& loop;
  const int descriptor;
  std::uint32_t watched = 0;
  std::uint64_t wait_number = 0;  // earlier ones are void
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
