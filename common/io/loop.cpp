#include "common/io/loop.hpp"

#include <sys/eventfd.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "common/io/link.hpp"
#include "common/io/loop_core.hpp"

namespace fairlead {

LoopCore::LoopCore() : mailbox_bell_(context_, ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  await_letters();
}

// The wait for letters is what keeps the loop running while it has nothing else to do.
void LoopCore::release() {
  timer_.cancel();
  boost::system::error_code ignored;
  mailbox_bell_.cancel(ignored);
}

void LoopCore::open_turn() {
  in_turn_ = true;
  client_->begin_turn(Loop::read_clock());
  asio::post(context_, [this] { end_turn(); });
}

void LoopCore::end_turn() {
  const bool more = client_->end_turn();
  in_turn_ = false;
  arm_timer();
  for (std::size_t i = 0; i < reading_again_.size(); ++i) reading_again_[i]->read_again();
  reading_again_.clear();
  if (!more || continuing_) return;
  continuing_ = true;
  asio::post(context_, [this] {
    continuing_ = false;
    turn([this] { client_->go_on(); });
  });
}

// The timer is moved only when something is due earlier than what it waits for: a session's
// activity does not touch it.
void LoopCore::arm_timer() {
  const std::optional<TimePoint> due = client_->next_due();
  if (!due || *due >= armed_for_) return;
  armed_for_ = *due;
  timer_.expires_at(armed_for_);
  timer_.async_wait([this](const boost::system::error_code& failed) {
    if (failed) return;  // replaced by an earlier one
    armed_for_ = kNever;
    turn([this] { client_->on_timer(); });
  });
}

void LoopCore::post(std::function<void()> work) {
  bool first = false;
  {
    const std::lock_guard lock(mailbox_mutex_);
    first = mailbox_.empty();
    mailbox_.push_back(std::move(work));
  }
  if (first) static_cast<void>(::eventfd_write(mailbox_bell_.native_handle(), 1));
}

void LoopCore::await_letters() {
  mailbox_bell_.async_wait(
      asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& failed) {
        if (failed) return empty_mailbox();  // released: what had been posted is still done
        eventfd_t rung = 0;
        static_cast<void>(::eventfd_read(mailbox_bell_.native_handle(), &rung));
        await_letters();
        empty_mailbox();
      });
}

void LoopCore::empty_mailbox() {
  std::vector<std::function<void()>> letters;
  {
    const std::lock_guard lock(mailbox_mutex_);
    letters.swap(mailbox_);
  }
  if (letters.empty()) return;
  turn([&letters] {
    for (const auto& work : letters) work();
  });
}

Loop::Loop() : core_(std::make_unique<LoopCore>()) {}
Loop::~Loop() = default;

void Loop::drive(TurnClient& client) { core_->drive(client); }
void Loop::run() { core_->run(); }
void Loop::run_one() { core_->run_one(); }
void Loop::release() { core_->release(); }
void Loop::stop() { core_->stop(); }
void Loop::post(std::function<void()> work) { core_->post(std::move(work)); }

std::unique_ptr<Transport> Loop::adopt(int descriptor) {
  return std::make_unique<Link>(*core_, descriptor);
}

TimePoint Loop::read_clock() noexcept {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

struct Alarm::Timer {
  explicit Timer(LoopCore& core) : loop(core), timer(core.context()) {}

  LoopCore& loop;
  LoopTimer timer;
};

Alarm::Alarm(Loop& loop) : timer_(std::make_unique<Timer>(loop.core())) {}
Alarm::~Alarm() = default;

void Alarm::set(TimePoint at, std::function<void()> ring) {
  timer_->timer.expires_at(at);
  timer_->timer.async_wait(
      [&loop = timer_->loop, ring = std::move(ring)](const boost::system::error_code& failed) {
        if (!failed) loop.turn(ring);
      });
}

void Alarm::cancel() { timer_->timer.cancel(); }

}  // namespace fairlead
