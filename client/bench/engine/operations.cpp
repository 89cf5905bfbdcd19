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
  const MessageKey key = next_key();
  ring_.push_back({.of_connection = begun_++});
  if (scope_.plan.arrivals)
    ring_.back().intended = scope_.begin + scope_.plan.arrivals->due(key.number);
}

void Operations::on_sent(BenchTime now, std::size_t times, Room room) {
  const bool is_open_loop = scope_.plan.arrivals.has_value();
  for (std::size_t i = ring_.size() - times; i < ring_.size(); ++i) {
    ring_[i].sent = now;
    if (is_open_loop) scope_.recorder.on_sent(ring_[i], room.since, room.by_reply);
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
  remove(which);
}

void Operations::fail(std::size_t which, BenchError error, BenchTime now) {
  scope_.recorder.on_failed(error, began(ring_[which]), now);
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
  for (; !ring_.empty(); ring_.pop_front()) scope_.recorder.on_done(ring_.front(), now);
}

void Operations::fail_all(BenchError first, BenchError others, BenchTime now) {
  for (BenchError error = first; !ring_.empty(); ring_.pop_front()) {
    if (ring_.front().is_answered) continue;
    scope_.recorder.on_failed(error, began(ring_.front()), now);
    error = others;
  }
}

void Operations::fail_opening(BenchError error, BenchTime since, BenchTime now) {
  if (!ring_.empty()) return fail_all(error, error, now);
  // A run that only its operations end loses one, so that it does end.
  const bool has_time = scope_.plan.load.duration > BenchDuration::zero();
  if (!has_time && sendable() > 0) ++begun_;
  scope_.recorder.on_failed(error, since, now);
}

void Operations::drop_unfinished() {
  for (; !ring_.empty(); ring_.pop_front())
    if (!ring_.front().is_answered) scope_.recorder.add_unfinished();
}

}  // namespace fairlead
