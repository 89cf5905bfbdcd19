#include "client/bench/engine/bench_recorder.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {
namespace {

constexpr BenchDuration kSecond = std::chrono::seconds(1);
// More than any warm-up, so that a remainder is never taken of a negative number.
constexpr BenchDuration kWholeSeconds = std::chrono::seconds(1'000'000'000);

}  // namespace

void BenchRecorder::begin(BenchTime at, BenchTime ends, BenchTime counts_until) noexcept {
  begin_ = at;
  measured_from_ = at + warmup_;
  ends_ = ends;
  counts_until_ = counts_until;
  begin_second(at);
}

// A second ends with the warm-up: the first one is shorter if that is no whole number of them.
void BenchRecorder::begin_second(BenchTime at) noexcept {
  second_began_ = at;
  const BenchTime next = at + kSecond - (at - measured_from_ + kWholeSeconds) % kSecond;
  second_ends_ = next < ends_ ? next : BenchTime::max();
}

void BenchRecorder::on_connected(BenchDuration took, BenchTime now) {
  ++connections_open_;
  tally_.connect.record(microseconds_between(now - took, now));
  count(now, now, &BenchCounts::connects);
}

void BenchRecorder::on_lost(BenchTime now) {
  on_closed();
  if (is_measured(now)) ++tally_.connections_lost;
}

void BenchRecorder::on_sent(const Outstanding& operation, const Room& room) {
  const BenchTime intended = operation.intended;
  count(intended, operation.sent, &BenchCounts::sent);
  if (!is_measured(intended)) return;
  tally_.lateness.record(microseconds_between(std::max(intended, room.since), operation.sent));
  if (intended >= room.since) return;
  const bool by_pause = intended >= room.paused_from && intended < room.paused_until;
  ++tally_.held[static_cast<std::size_t>(by_pause ? Wait::back_off : room.by)];
}

// Counts the equal operations collected so far, and starts with the next one.
void BenchRecorder::count_alike(const Outstanding& next, BenchTime next_now) {
  const Outstanding operation = std::exchange(alike_operation_, next);
  const BenchTime now = std::exchange(alike_now_, next_now);
  const std::uint64_t times = std::exchange(alike_, 0);
  if (times == 0) return;
  const std::uint64_t leading = microseconds_between(began(operation), now);
  count(began(operation), now, &BenchCounts::done, times);
  interval_.latency.record(leading, times);
  if (is_in_time(now)) tally_.done_in_time += times;
  if (!is_measured(began(operation))) return;
  tally_.actual.record(microseconds_between(operation.sent, now), times);
  if (is_open_loop_) tally_.intended.record(leading, times);
}

void BenchRecorder::on_failed(BenchError error, const Outstanding& operation, BenchTime now) {
  const BenchTime began = this->began(operation);
  count(began, now, [error](BenchCounts& counts) -> std::uint64_t& {
    return counts.errors[static_cast<std::size_t>(error)];
  });
  const bool by_reply = error == BenchError::reply_timeout;
  if (!by_reply && error != BenchError::connect_timeout) return;
  if (is_measured(began)) ++tally_.timed_out;
  record_wait(operation, now, by_reply ? reply_timeout_ : connect_timeout_);
}

void BenchRecorder::on_connect_failed(BenchError error, BenchTime since, BenchTime now) {
  count(since, now, [error](BenchCounts& counts) -> std::uint64_t& {
    return counts.connect_errors[static_cast<std::size_t>(error)];
  });
}

void BenchRecorder::record_wait(const Outstanding& operation, BenchTime now,
                                BenchDuration at_least) {
  const auto waited = [&](BenchTime since) {
    return microseconds_between(since, std::max(now, since + at_least));
  };
  interval_.latency.record(waited(began(operation)));
  if (!is_measured(began(operation))) return;
  tally_.actual.record(waited(operation.sent));
  if (is_open_loop_) tally_.intended.record(waited(operation.intended));
}

void BenchRecorder::on_abandoned(const Outstanding& operation) noexcept {
  if (is_measured(began(operation))) ++tally_.unfinished;
}

void BenchRecorder::on_unfinished(const Outstanding& operation, BenchTime now) noexcept {
  on_abandoned(operation);
  record_wait(operation, now, BenchDuration::zero());
}

void BenchRecorder::on_never_sent(BenchTime intended, Wait wait, BenchTime now) noexcept {
  if (!is_measured(intended)) return;
  ++tally_.never_sent[static_cast<std::size_t>(wait)];
  tally_.intended.record(microseconds_between(intended, now));
}

void BenchRecorder::on_mismatch(const Mismatch& mismatch, BenchTime began, BenchTime now) {
  count(began, now, [&mismatch](BenchCounts& counts) -> std::uint64_t& {
    return counts.mismatches[static_cast<std::size_t>(mismatch.kind)];
  });
  if (is_measured(began)) keep_first(tally_.first_mismatches, mismatch);
}

void BenchRecorder::end_seconds(BenchTime now) {
  if (alike_now_ < second_ends_) count_alike({}, now);
  while (now >= second_ends_) {
    hand_out();
    begin_second(second_ends_);
  }
}

void BenchRecorder::hand_out() {
  interval_.connections_open = connections_open_;
  on_interval_(interval_);
  interval_ = Interval{.second = interval_.second + 1};
}

void BenchRecorder::finish(BenchTime now) {
  count_alike({}, now);
  roll(now);
  if (now > second_began_) hand_out();
  tally_.connections_open = connections_open_;
}

}  // namespace fairlead
