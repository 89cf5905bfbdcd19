#include "common/io/loop.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <system_error>
#include <utility>

#include "common/io/link.hpp"
#include "common/io/loop_core.hpp"

namespace fairlead {

namespace {

using boost::system::error_code;

std::chrono::microseconds microseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

// What Asio throws names a place in its source.
std::unique_ptr<LoopCore> make_core() try {
  return std::make_unique<LoopCore>();
} catch (const boost::system::system_error& failed) {
  throw std::system_error(failed.code(), "cannot wait for events");
}

}  // namespace

LoopCore::LoopCore() = default;

// ---- Turns ----

void LoopCore::begin_turn() {
  in_turn_ = true;
  handlers_ = 0;
  turn_began_ = Clock::now();
  if (!std::exchange(is_round_open_, true)) round_began_ = turn_began_;
  if (!is_end_posted_) post_end_of_round();
  client_->begin_turn(std::chrono::time_point_cast<Duration>(turn_began_));
}

void LoopCore::end_turn() {
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
  if (more && !std::exchange(is_continuing_, true)) continue_later();
}

// Behind whatever else the loop has waiting.
void LoopCore::continue_later() {
  asio::post(context_, [this] {
    is_continuing_ = false;
    turn([this] {
      while (client_->run_deferred() && !is_turn_over()) {
      }
    });
  });
}

void LoopCore::post_end_of_round() {
  is_end_posted_ = true;
  asio::post(context_,
             asio::bind_allocator(OperationAllocator<char>(operations_), [this] { end_round(); }));
}

// Asio tries to read at once when a read begins. Begun right behind the reply to the last request,
// it finds nothing, and each message costs such an attempt; begun one round later, it often finds
// the next request.
void LoopCore::end_round() {
  is_end_posted_ = false;
  if (in_turn_) end_turn();
  last_round_ = is_round_open_ ? microseconds(turn_ended_ - round_began_) : microseconds({});
  is_round_open_ = false;
  last_readers_ = std::exchange(readers_, 0);
  reading_.swap(rested_);
  rested_.swap(resting_);
  if (rested_.size() < kRestingMin) {
    reading_.insert(reading_.end(), rested_.begin(), rested_.end());
    rested_.clear();
  }
  read_again();
  if (!rested_.empty() && !is_end_posted_) post_end_of_round();
}

// A link may be forgotten meanwhile.
void LoopCore::read_again() {
  for (std::size_t i = 0; i < reading_.size(); ++i) {
    if (Link* const link = std::exchange(reading_[i], nullptr)) link->read_loop();
  }
  reading_.clear();
}

void LoopCore::forget(Link& link) {
  for (Links* const links : {&resting_, &rested_, &reading_})
    std::replace(links->begin(), links->end(), &link, static_cast<Link*>(nullptr));
}

void LoopCore::finish(Link& link) {
  finished_.push_back(&link);
  if (!in_turn_) asio::post(context_, [this] { turn([] {}); });
}

// What the look for events found when this round began may have become readable right behind the
// look before that.
void LoopCore::measure_turn() {
  turn_ended_ = Clock::now();
  turn_times_.turns.record(
      static_cast<std::uint64_t>(microseconds(turn_ended_ - turn_began_).count()));
  if (connections_ == 0) return;
  const auto waited = last_round_ + microseconds(turn_ended_ - round_began_);
  turn_times_.replies.record(static_cast<std::uint64_t>(waited.count()),
                             std::exchange(connections_, 0));
}

TurnTimes LoopCore::take_turn_times() { return std::exchange(turn_times_, TurnTimes()); }

// The timer is moved only when something is due earlier than what it waits for: a session's
// activity does not touch it.
void LoopCore::arm_timer() {
  const std::optional<TimePoint> due = client_->next_due();
  if (!due || *due >= armed_for_) return;
  armed_for_ = *due;
  timer_.expires_at(armed_for_);
  timer_.async_wait([this](const error_code& failed) {
    if (failed) return;  // replaced by an earlier one
    armed_for_ = kNever;
    turn([this] { client_->on_timer(); });
  });
}

// ---- Running ----

// Stopped within a turn, its replies still leave.
void LoopCore::run() {
  context_.run();
  if (in_turn_) end_turn();
}

void LoopCore::run_spinning() {
  while (!context_.stopped()) context_.poll();
  if (in_turn_) end_turn();
}

void LoopCore::run_one() {
  context_.run_one();
  if (in_turn_) end_turn();
}

void LoopCore::release() {
  timer_.cancel();
  until_released_.reset();
}

void LoopCore::post(std::function<void()> work) {
  asio::post(context_, [this, work = std::move(work)] { turn(work); });
}

// ---- Loop ----

Loop::Loop() : core_(make_core()) {}
Loop::~Loop() = default;

void Loop::drive(TurnClient& client) { core_->drive(client); }
void Loop::limit_reads(std::size_t bytes_max) { core_->limit_reads(bytes_max); }
void Loop::run() { core_->run(); }
void Loop::run_spinning() { core_->run_spinning(); }
void Loop::run_one() { core_->run_one(); }
TurnTimes Loop::take_turn_times() { return core_->take_turn_times(); }
void Loop::release() { core_->release(); }
void Loop::stop() { core_->stop(); }
void Loop::post(std::function<void()> work) { core_->post(std::move(work)); }

std::unique_ptr<ByteStream> Loop::adopt(int descriptor) {
  LoopSocket socket(core_->context());
  error_code error;
  socket.assign(asio::generic::stream_protocol(AF_UNSPEC, 0), descriptor, error);
  if (error) ::close(descriptor);
  return std::make_unique<Link>(*core_, std::move(socket));
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
      [&loop = timer_->loop, ring = std::move(ring)](const error_code& failed) {
        if (!failed) loop.turn(ring);
      });
}

void Alarm::cancel() { timer_->timer.cancel(); }

}  // namespace fairlead
