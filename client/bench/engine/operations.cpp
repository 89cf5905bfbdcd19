#include "client/bench/engine/operations.hpp"

#include <utility>

#include "client/bench/engine/bench_worker.hpp"

namespace fairlead {

void Operations::make_due(std::uint64_t times) {
  due_ += times;
  if (times > 0 && !std::exchange(is_busy_, true)) scope_.owner.on_busy();
}

void Operations::tell_settled() {
  const bool has_begun_all = begun_ == due_ || scope_.phase == BenchPhase::draining;
  if (!has_begun_all || !ring_.empty()) return;
  if (std::exchange(is_busy_, false)) scope_.owner.on_settled();
}

void Operations::begin() {
  ring_.push_back(next({}));
  ++begun_;
}

Outstanding Operations::next(BenchTime now) const {
  Outstanding operation{.of_connection = begun_, .sent = now};
  if (scope_.plan.arrivals)
    operation.intended = scope_.begin + scope_.plan.arrivals->due(next_key().number);
  return operation;
}

void Operations::on_sent(BenchTime now, std::size_t times, const Room& room) {
  const bool is_open_loop = scope_.plan.arrivals.has_value();
  for (std::size_t i = ring_.size() - times; i < ring_.size(); ++i) {
    ring_[i].sent = now;
    if (is_open_loop) scope_.recorder.on_sent(ring_[i], room);
  }
  if (!is_open_loop) scope_.recorder.on_sent(now, times);
}

std::size_t Operations::index_of_request(std::uint32_t request_id) noexcept {
  const std::uint32_t behind = newest_request_ - request_id;
  const bool waits = behind < ring_.size() && !ring_[ring_.size() - 1 - behind].is_answered;
  return waits ? ring_.size() - 1 - behind : ring_.size();
}

void Operations::complete(std::size_t which, BenchTime now) {
  scope_.recorder.on_done(ring_[which], now);
  ++completed_;
  remove(which);
}

void Operations::fail(std::size_t which, BenchError error, BenchTime now) {
  scope_.recorder.on_failed(error, ring_[which], now);
  remove(which);
}

void Operations::mismatch(std::size_t which, const Mismatch& mismatch, BenchTime now) {
  scope_.recorder.on_mismatch(mismatch, began(ring_[which]), now);
  remove(which);
}

void Operations::remove(std::size_t which) {
  ring_[which].is_answered = true;
  while (!ring_.empty() && ring_.front().is_answered) ring_.pop_front();
}

void Operations::complete_all(BenchTime now) {
  completed_ += ring_.size();
  for (; !ring_.empty(); ring_.pop_front()) scope_.recorder.on_done(ring_.front(), now);
}

void Operations::fail_all(BenchError first, BenchError others, BenchTime now) {
  for (BenchError error = first; !ring_.empty(); ring_.pop_front()) {
    if (ring_.front().is_answered) continue;
    scope_.recorder.on_failed(error, ring_.front(), now);
    error = others;
  }
}

void Operations::fail_opening(BenchError error, BenchTime since, BenchTime now) {
  if (!ring_.empty()) return fail_all(error, error, now);
  const bool has_time = scope_.plan.load.duration > BenchDuration::zero();
  if (has_time || sendable() == 0) return scope_.recorder.on_connect_failed(error, since, now);
  // A run that only its operations end loses one, so that it does end.
  if (!scope_.plan.arrivals) scope_.recorder.on_due(since);
  scope_.recorder.on_failed(error, next(since), now);
  ++begun_;
}

void Operations::abandon_all() {
  for (; !ring_.empty(); ring_.pop_front())
    if (!ring_.front().is_answered) scope_.recorder.on_abandoned(ring_.front());
}

void Operations::give_up_unsent(Wait wait, BenchTime paused_from, BenchTime now) {
  for (; scope_.plan.arrivals && begun_ < due_; ++begun_) {
    const BenchTime intended = next(now).intended;
    const bool is_older = wait == Wait::back_off && intended < paused_from;
    scope_.recorder.on_never_sent(intended, is_older ? Wait::connection : wait, now);
  }
}

void Operations::record_unfinished(BenchTime now) {
  for (const Outstanding& operation : ring_)
    if (!operation.is_answered) scope_.recorder.on_unfinished(operation, now);
}

}  // namespace fairlead
