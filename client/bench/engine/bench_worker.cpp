#include "client/bench/engine/bench_worker.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {
namespace {

// Connections served in one turn: replies need not wait for everything that is to be sent.
constexpr std::size_t kStepsMax = 64;
// Connections being made at a time: no more than a usual backlog has room for.
constexpr std::size_t kConnectingMax = 128;

}  // namespace

BenchWorker::BenchWorker(const BenchPlan& plan, std::uint32_t thread, ClientShard& shard,
                         Network& network, BenchClock& clock, BenchWorkerObserver& observer)
    : plan_(plan),
      thread_(thread),
      observer_(observer),
      recorder_(plan.load, [&observer](const Interval& ended) { observer.on_interval(ended); }),
      scope_{.plan = plan,
             .shard = shard,
             .network = network,
             .clock = clock,
             .recorder = recorder_,
             .owner = *this,
             .random = std::mt19937_64(plan.load.seed + thread)},
      second_(shard, [this] { every_second(); }),
      patience_(shard, [this] { check_patience(); }) {
  for (std::uint32_t i = thread; i < plan.load.connections; i += plan.load.threads)
    connections_.push_back(std::make_unique<BenchConnection>(scope_, i));
  to_resume_.reserve(connections_.size());
  resuming_.reserve(connections_.size());
}

BenchWorker::~BenchWorker() = default;

std::uint32_t BenchWorker::index(std::size_t own) const noexcept {
  return thread_ + static_cast<std::uint32_t>(own) * plan_.load.threads;
}

// ---- Before the load ----

void BenchWorker::open() {
  if (!plan_.opens_first()) return observer_.on_opened();
  opening_since_ = scope_.clock.now();
  arm(opening_since_);
}

void BenchWorker::begin(BenchTime at) {
  scope_.begin = at;
  if (!plan_.opens_first()) opening_since_ = at;
  const Load& load = plan_.load;
  if (load.duration > BenchDuration::zero()) {
    load_ends_ = at + load.duration;
  } else if (plan_.arrivals && load.messages == 0) {
    load_ends_ = at + plan_.arrivals->length();
  }
  if (plan_.arrivals) schedule_ends_ = at + plan_.arrivals->owned(plan_.operations);
  // What is due is counted however long the last of it takes; more than its time never is.
  const bool is_timed = load_ends_ != BenchTime::max();
  const BenchTime counts_until =
      plan_.arrivals && is_timed ? std::max(load_ends_, schedule_ends_) : load_ends_;
  recorder_.begin(at, load_ends_, counts_until);
  arm(scope_.clock.now());
}

void BenchWorker::on_tried() {
  ++tried_;
  const bool is_last = plan_.opens_first() && tried_ == connections_.size();
  if (is_last) observer_.on_opened();
  if (tried_ + kConnectingMax == started_ + 1) arm(scope_.clock.now());
}

// ---- Time ----

void BenchWorker::on_due() {
  armed_ = BenchTime::max();
  const BenchTime now = scope_.clock.now();
  if (scope_.phase == BenchPhase::opening && now >= scope_.begin) begin_load();
  start_next(now);
  if (scope_.phase == BenchPhase::loading) {
    deal_due(now);
    begin_and_resume();
    if (now >= load_ends_ || is_complete(now)) end_load(std::min(now, load_ends_));
  }
  if (has_ended_) return;
  const bool is_over = scope_.phase == BenchPhase::draining && (busy_ == 0 || now >= drain_ends_);
  if (!is_over) return arm(now);
  finish(now);
  observer_.on_ended();
}

void BenchWorker::arm(BenchTime now) {
  if (has_ended_) return;
  BenchTime next = scope_.phase == BenchPhase::draining ? drain_ends_ : load_ends_;
  if (scope_.phase == BenchPhase::opening) next = scope_.begin;
  if (scope_.phase == BenchPhase::loading) {
    next = std::min(next, next_due_);
    const bool is_loaded = plan_.arrivals || !plan_.opens_first() || loaded_ == connections_.size();
    if (next_due_ == BenchTime::max() && now < schedule_ends_)
      next = std::min(next, schedule_ends_);
    if (!to_resume_.empty() || !is_loaded || is_complete(now)) next = now;
  }
  if (scope_.phase == BenchPhase::draining && busy_ == 0) next = now;
  if (may_start()) next = std::min(next, opening_since_ + plan_.opens_at(index(started_)));
  next = std::max(next, now);
  if (next != armed_) scope_.clock.wake_at(next);
  armed_ = next;
}

void BenchWorker::every_second() {
  if (has_ended_) return;
  const BenchTime now = scope_.clock.now();
  recorder_.roll(now);
  const auto left = std::min<BenchDuration>(recorder_.second_ends() - now, std::chrono::seconds(1));
  second_.set(std::chrono::ceil<Duration>(now + left));
}

void BenchWorker::check_patience() {
  if (has_ended_) return;
  const BenchTime now = scope_.clock.now();
  for (const auto& connection : connections_) connection->check_patience(now);
  const auto interval = std::chrono::duration_cast<Duration>(plan_.load.reply_timeout) / 20;
  patience_.set(scope_.shard.now() + std::clamp(interval, TimerWheel::kSlot, Duration(250)));
}

// ---- The load ----

// Opens connections whose scheduled time has come, up to the limit.
void BenchWorker::start_next(BenchTime now) {
  for (std::size_t steps = 0; steps < kStepsMax && may_start(); ++steps) {
    if (opening_since_ + plan_.opens_at(index(started_)) > now) return;
    start(started_++);
  }
}

bool BenchWorker::may_start() const noexcept {
  const bool too_many = !plan_.connects_each && started_ >= tried_ + kConnectingMax;
  return opening_since_ != BenchTime::max() && scope_.phase != BenchPhase::draining &&
         started_ < connections_.size() && !too_many;
}

void BenchWorker::start(std::size_t own) {
  BenchConnection& connection = *connections_[own];
  if (!plan_.opens_first() && !plan_.arrivals)
    connection.operations().make_due(plan_.operations_of(index(own)));
  if (plan_.connects_each) {
    connection.work();
  } else {
    connection.open();
  }
}

void BenchWorker::begin_load() {
  scope_.phase = BenchPhase::loading;
  if (plan_.arrivals) find_next_due();
  every_second();
  check_patience();
}

void BenchWorker::find_next_due() {
  const std::uint64_t number = plan_.key(index(next_), round_).number;
  const bool is_left = number < plan_.operations;
  next_due_ = is_left ? scope_.begin + plan_.arrivals->due(number) : BenchTime::max();
}

void BenchWorker::make_next_due() {
  recorder_.on_due(next_due_);
  connections_[next_]->operations().make_due(1);
  next_ = next_ + 1 == connections_.size() ? 0 : next_ + 1;
  if (next_ == 0) ++round_;
  find_next_due();
}

// Open loop: gives the due messages to their connections. Several of one connection leave in one
// write.
void BenchWorker::deal_due(BenchTime now) {
  const std::size_t first = next_;
  std::size_t dealt = 0;
  for (; next_due_ <= now && dealt < kStepsMax; ++dealt) make_next_due();
  for (std::size_t i = 0; i < std::min(dealt, connections_.size()); ++i)
    connections_[(first + i) % connections_.size()]->work();
}

// Closed loop: connections that begin, and those that let others send first.
void BenchWorker::begin_and_resume() {
  const bool all_at_once = !plan_.arrivals && plan_.opens_first();
  for (std::size_t steps = 0; all_at_once && steps < kStepsMax; ++steps) {
    if (loaded_ == connections_.size()) break;
    connections_[loaded_]->operations().make_due(plan_.operations_of(index(loaded_)));
    connections_[loaded_++]->work();
  }
  resuming_.swap(to_resume_);
  for (BenchConnection* const connection : resuming_) connection->resume();
  resuming_.clear();
}

void BenchWorker::resume_later(BenchConnection& connection) {
  to_resume_.push_back(&connection);
  arm(scope_.clock.now());
}

// ---- The end ----

// Everything was done before the time was over.
bool BenchWorker::is_complete(BenchTime now) const noexcept {
  if (plan_.load.messages == 0 || busy_ > 0) return false;
  if (plan_.arrivals) return next_due_ == BenchTime::max() && now >= schedule_ends_;
  return (plan_.opens_first() ? loaded_ : started_) == connections_.size();
}

void BenchWorker::on_settled() {
  --busy_;
  if (busy_ == 0) arm(scope_.clock.now());
}

void BenchWorker::stop() {
  const BenchTime now = scope_.clock.now();
  if (scope_.phase != BenchPhase::draining) end_load(now);
  arm(now);
}

void BenchWorker::end_load(BenchTime now) {
  give_up_unsent(now);
  scope_.phase = BenchPhase::draining;
  load_ended_ = now;
  if (now != load_ends_) recorder_.end_at(now);
  drain_ends_ = now + std::min(plan_.load.reply_timeout, kDrainMax);
  for (const auto& connection : connections_) connection->operations().tell_settled();
  observer_.on_load_ended();
}

// What was due until now and has not been sent.
void BenchWorker::give_up_unsent(BenchTime now) {
  if (!plan_.arrivals || scope_.phase != BenchPhase::loading) return;
  while (next_due_ < now) make_next_due();
  const BenchTime end = std::min(now, load_ends_);
  for (const auto& connection : connections_) connection->give_up_unsent(end, now);
}

void BenchWorker::abandon() {
  if (has_ended_) return;
  const BenchTime now = scope_.clock.now();
  if (scope_.phase != BenchPhase::draining) {
    give_up_unsent(now);
    load_ended_ = now;
    recorder_.end_at(now);
  }
  // Their wait has been cut short: as a latency it would say less than the truth.
  for (const auto& connection : connections_) connection->operations().abandon_all();
  finish(now);
}

void BenchWorker::finish(BenchTime now) {
  has_ended_ = true;
  second_.cancel();
  patience_.cancel();
  for (const auto& connection : connections_) connection->operations().record_unfinished(now);
  recorder_.finish(now);
}

}  // namespace fairlead
