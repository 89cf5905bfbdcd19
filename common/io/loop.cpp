#include "common/io/loop.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "common/io/link.hpp"
#include "common/io/loop_core.hpp"

namespace fairlead {

namespace {

// A turn is to take no longer than this, writes included, so that nobody whose message came first
// waits for all that comes behind it, however much each client sends.
constexpr std::chrono::microseconds kTurnMax{500};

// Of it, for what has arrived or was left. The writes take their time behind it, five times as much
// for short replies and far more for large ones, so it follows from how long turns have taken.
constexpr std::chrono::microseconds kWorkLeast{50};
constexpr std::chrono::microseconds kWorkMost{250};

std::chrono::microseconds microseconds(std::chrono::steady_clock::time_point from,
                                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from);
}

int make_bell() {
  const int bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (bell < 0)
    throw std::system_error(errno, std::generic_category(), "cannot wait for events: eventfd");
  return bell;
}

// What Asio throws names a place in its source.
std::unique_ptr<LoopCore> make_core() try {
  return std::make_unique<LoopCore>();
} catch (const boost::system::system_error& failed) {
  throw std::system_error(failed.code(), "cannot wait for events");
}

}  // namespace

LoopCore::LoopCore() : work_max_(kWorkMost), mailbox_bell_(context_, make_bell()) {
  await_letters();
}

// The wait for letters is what keeps the loop running while it has nothing else to do.
void LoopCore::release() {
  released_ = true;
  timer_.cancel();
  boost::system::error_code ignored;
  mailbox_bell_.cancel(ignored);
  if (ready_.empty()) ready_.cancel();
}

void LoopCore::begin_turn() {
  in_turn_ = true;
  turn_began_ = std::chrono::steady_clock::now();
  client_->begin_turn(std::chrono::time_point_cast<Duration>(turn_began_));
}

TurnTimes LoopCore::take_turn_times() { return std::exchange(turn_times_, TurnTimes()); }

void LoopCore::measure_turn() {
  const auto now = std::chrono::steady_clock::now();
  const auto took = microseconds(turn_began_, now);
  turn_times_.turns.record(static_cast<std::uint64_t>(took.count()));
  if (turn_events_ > 0) {
    const auto waited = turn_before_batch_ + microseconds(batch_began_, now);
    turn_times_.replies.record(static_cast<std::uint64_t>(waited.count()),
                               std::exchange(turn_events_, 0));
  }
  turn_before_ = took;
  if (took > kTurnMax) {
    work_max_ = std::max(kWorkLeast, work_max_ / 2);
  } else if (worked_ >= work_max_ && took < kTurnMax * 2 / 3) {
    work_max_ = std::min(kWorkMost, work_max_ + work_max_ / 8);
  }
}

void LoopCore::end_turn() {
  worked_ = microseconds(turn_began_, std::chrono::steady_clock::now());
  while (!finished_.empty()) {
    Link& link = *finished_.back();
    finished_.pop_back();
    link.tell_finished();
  }
  bool more = client_->end_turn();
  // What leaves at the end of a turn may be the last of a connection; the next turn tells of it, or
  // this one would be as long as there are such connections.
  more |= !finished_.empty();
  in_turn_ = false;
  measure_turn();
  arm_timer();
  if (released_ && ready_.empty()) ready_.cancel();
  if (!more || continuing_) return;
  continuing_ = true;
  asio::post(context_, [this] {
    continuing_ = false;
    turn([this] {
      while (client_->go_on() && std::chrono::steady_clock::now() < turn_began_ + work_max_) {
      }
    });
  });
}

int LoopCore::watch(int descriptor, std::uint32_t before, std::uint32_t events, Watcher& watcher) {
  const int error = ready_.watch(descriptor, before, events, watcher);
  if (!awaiting_ready_ && !ready_.empty()) await_ready();
  return error;
}

// A whole batch is one turn, so that a wake-up costs one clock and its replies leave together.
void LoopCore::await_ready() {
  awaiting_ready_ = true;
  ready_.async_wait([this](const boost::system::error_code& failed) {
    awaiting_ready_ = false;
    if (!failed && ready_.collect() > 0) {
      turn([this] {
        if (ready_.is_fresh()) {
          batch_began_ = turn_began_;
          turn_before_batch_ = turn_before_;
        }
        turn_events_ = ready_.dispatch(turn_began_ + work_max_);
      });
    }
    if (!awaiting_ready_ && !ready_.empty()) await_ready();
  });
}

void LoopCore::finish(Link& link) {
  finished_.push_back(&link);
  if (!in_turn_) asio::post(context_, [this] { turn([] {}); });
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

Loop::Loop() : core_(make_core()) {}
Loop::~Loop() = default;

void Loop::drive(TurnClient& client) { core_->drive(client); }
void Loop::run() { core_->run(); }
void Loop::run_spinning() { core_->run_spinning(); }
void Loop::run_one() { core_->run_one(); }
TurnTimes Loop::take_turn_times() { return core_->take_turn_times(); }
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

void Alarm::set(std::chrono::steady_clock::time_point at, std::function<void()> ring) {
  timer_->timer.expires_at(at);
  timer_->timer.async_wait(
      [&loop = timer_->loop, ring = std::move(ring)](const boost::system::error_code& failed) {
        if (!failed) loop.turn(ring);
      });
}

void Alarm::cancel() { timer_->timer.cancel(); }

}  // namespace fairlead
