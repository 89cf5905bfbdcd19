#include "client/bench/engine/bench_recorder.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {
namespace {

constexpr BenchDuration kSecond = std::chrono::seconds(1);

}  // namespace

void BenchRecorder::begin(BenchTime at, BenchTime ends) noexcept {
  begin_ = at;
  measured_from_ = at + warmup_;
  ends_ = ends;
  begin_second(at);
}

void BenchRecorder::begin_second(BenchTime at) noexcept {
  second_began_ = at;
  second_ends_ = at + kSecond < ends_ ? at + kSecond : BenchTime::max();
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

void BenchRecorder::on_sent(const Outstanding& operation, BenchTime room_since,
                            bool room_by_reply) {
  count(operation.intended, operation.sent, &BenchCounts::sent);
  if (!is_measured(operation.intended)) return;
  tally_.lateness.record(
      microseconds_between(std::max(operation.intended, room_since), operation.sent));
  if (room_by_reply && operation.intended < room_since) ++tally_.held_by_inflight;
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
  if (!is_measured(began(operation))) return;
  tally_.actual.record(microseconds_between(operation.sent, now), times);
  if (is_open_loop_) tally_.intended.record(leading, times);
}

void BenchRecorder::on_failed(BenchError error, BenchTime began, BenchTime now) {
  count(began, now, [error](BenchCounts& counts) -> std::uint64_t& {
    return counts.errors[static_cast<std::size_t>(error)];
  });
}

void BenchRecorder::on_mismatch(const Mismatch& mismatch, BenchTime began, BenchTime now) {
  count(began, now, [&mismatch](BenchCounts& counts) -> std::uint64_t& {
    return counts.mismatches[static_cast<std::size_t>(mismatch.kind)];
  });
  const bool is_first = !tally_.first_mismatch || mismatch.number < tally_.first_mismatch->number;
  if (is_measured(began) && is_first) tally_.first_mismatch = mismatch;
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
