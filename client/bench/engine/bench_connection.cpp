#include "client/bench/engine/bench_connection.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {
namespace {

// Requests in one write: bounds what is queued for a peer that does not read, unless one message is
// longer.
constexpr std::size_t kWriteBytesMax = 256 * std::size_t{1024};

}  // namespace

BenchConnection::BenchConnection(BenchScope& scope, std::uint32_t index)
    : scope_(scope),
      operations_(scope, index),
      traffic_(make_traffic(scope, operations_)),
      connector_(scope, index, *this) {}

void BenchConnection::work() {
  if (!scope_.plan.connects_each) return send_due();
  if (operations_.sendable() > 0) open();
}

// ---- Opening ----

void BenchConnection::open() {
  if (!connector_.can_open()) return;
  const BenchTime now = scope_.clock.now();
  if (scope_.plan.connects_each) {
    operations_.begin();
    operations_.on_sent(now, 1, room_);
  }
  connector_.open(now);
}

void BenchConnection::on_reopen() {
  if (!scope_.plan.connects_each) return open();
  set_room(scope_.clock.now(), true);
  work();
}

void BenchConnection::on_open() {
  is_blocked_ = false;
  uses_left_ = scope_.plan.uses_of_a_connection;
  traffic_->begin();
  if (scope_.plan.connects_each) return send_only_one();
  set_room(scope_.clock.now(), false);
  send_due();
}

// ---- Sending ----

void BenchConnection::send_only_one() {
  --uses_left_;
  if (traffic_->sends()) {
    operations_.set_newest_request(traffic_->send(connector_.connection(), operations_.key(0)));
    connector_.connection().flush();
  }
  if (connector_.is_open()) on_all_sent(scope_.clock.now());
}

void BenchConnection::send_due() {
  if (!connector_.is_open()) return;
  const std::uint64_t count = sendable();
  for (std::uint64_t i = 0; i < count; ++i) {
    const MessageKey key = operations_.next_key();
    operations_.begin();
    operations_.set_newest_request(traffic_->send(connector_.connection(), key));
  }
  uses_left_ -= count;
  had_room_ = has_room();
  if (count == 0) return;
  const BenchTime now = scope_.clock.now();
  operations_.on_sent(now, count, room_);
  connector_.connection().flush();
  if (connector_.is_open()) on_all_sent(now);
}

// How many requests the next write is made of.
std::uint64_t BenchConnection::sendable() const noexcept {
  if (is_blocked_) return 0;
  const std::uint64_t of_a_write = std::max<std::uint64_t>(
      1, kWriteBytesMax / std::max<std::size_t>(1, traffic_->request_bytes_max()));
  return std::min(
      {of_a_write, operations_.sendable(), uses_left_, std::uint64_t{operations_.room()}});
}

void BenchConnection::set_room(BenchTime now, bool by_reply) noexcept {
  had_room_ = true;
  room_ = {now, by_reply};
}

// What was sent has been offered to the kernel.
void BenchConnection::on_all_sent(BenchTime now) {
  connector_.count_bytes_out(now);
  is_blocked_ = connector_.connection().queued_bytes() > 0;
  if (is_blocked_) {
    had_room_ = false;
    scope_.recorder.on_socket_full(now);
  } else if (!traffic_->awaits_reply()) {
    finish_unanswered(now);
  } else if (operations_.sendable() > 0 && has_room()) {
    resume_later();
  }
}

// No reply is to come for what has left.
void BenchConnection::finish_unanswered(BenchTime now) {
  operations_.complete_all(now);
  if (is_used_up()) return connector_.replace();
  set_room(now, false);
  if (operations_.sendable() > 0) resume_later();
  tell_settled();
}

void BenchConnection::resume_later() {
  if (!std::exchange(will_resume_, true)) scope_.owner.resume_later(*this);
}

void BenchConnection::on_drained(BenchTime now) {
  if (!std::exchange(is_blocked_, false)) return;
  set_room(now, false);
  if (!traffic_->awaits_reply()) return finish_unanswered(now);
  send_due();
}

// ---- Replies, and the end ----

void BenchConnection::on_delivered(BenchTime now) {
  if (is_used_up() && operations_.outstanding() == 0) return connector_.replace();
  if (!had_room_ && has_room()) set_room(now, true);
  send_due();
  tell_settled();
}

void BenchConnection::check_patience(BenchTime now) {
  const bool waits = connector_.is_open() && operations_.outstanding() > 0;
  if (!waits || now - operations_[0].sent < scope_.plan.load.reply_timeout) return;
  operations_.fail_all(BenchError::reply_timeout, BenchError::reply_timeout, now);
  connector_.give_up();
}

bool BenchConnection::on_lost(const Failure& failure, BenchTime now) {
  const bool is_end = failure.kind == FailureKind::none;
  if (is_end && traffic_->on_server_end(now)) return true;
  const BenchError error = bench_error(failure.kind);
  const bool in_order = is_end || error == BenchError::short_read;
  const bool is_short =
      error == BenchError::short_read || (in_order && traffic_->is_within_reply());
  operations_.fail_all(is_short ? BenchError::short_read : error,
                       in_order ? BenchError::closed : error, now);
  return false;
}

void BenchConnection::on_closed() {
  operations_.drop_unfinished();
  tell_settled();
}

}  // namespace fairlead
