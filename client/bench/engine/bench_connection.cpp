#include "client/bench/engine/bench_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace fairlead {
namespace {

constexpr Duration kWaitLeast{50}, kWaitMost{150};  // before it is opened again

}  // namespace

BenchError connect_error(const std::error_code& error) noexcept {
  switch (error.value()) {
    case ECONNREFUSED:
      return BenchError::refused;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
      return BenchError::no_port;
    case EMFILE:
    case ENFILE:
      return BenchError::no_descriptor;
    case ETIMEDOUT:
      return BenchError::connect_timeout;
    case ECONNRESET:
      return BenchError::reset;
    default:
      return BenchError::unreachable;
  }
}

BenchError bench_error(FailureKind kind) noexcept {
  switch (kind) {
    case FailureKind::none:
      return BenchError::closed;
    case FailureKind::refused:
      return BenchError::refused;
    case FailureKind::name_not_resolved:
    case FailureKind::unreachable:
      return BenchError::unreachable;
    case FailureKind::no_descriptor:
      return BenchError::no_descriptor;
    case FailureKind::connect_timeout:
      return BenchError::connect_timeout;
    case FailureKind::reset:
      return BenchError::reset;
    case FailureKind::vanished:
      return BenchError::vanished;
    case FailureKind::cut_short:
      return BenchError::short_read;
    case FailureKind::bad_protocol:
    case FailureKind::too_big:
      return BenchError::protocol;
    case FailureKind::turned_away:
      return BenchError::turned_away;
    case FailureKind::request_refused:
      return BenchError::request_refused;
    case FailureKind::broken:
      break;
  }
  return BenchError::other;
}

BenchConnection::BenchConnection(BenchScope& scope, std::uint32_t index)
    : scope_(scope),
      index_(index),
      timer_(scope.shard, [this] { on_time(); }),
      ring_(scope.plan.connects_each ? 1 : scope.plan.load.inflight) {}

// ---- Opening ----

void BenchConnection::open() {
  if (state_ != State::closed || scope_.phase == BenchPhase::draining) return;
  state_ = State::connecting;
  opening_since_ = scope_.clock.now();
  timer_.set(deadline_after(scope_.shard.now(), plan().load.connect_timeout));
  on_opening(opening_since_);
  pending_ = scope_.network.connect(
      plan().server, plan().sources.at(index_ + openings_++),
      [this](Connected connected) { this->connected(std::move(connected)); });
}

void BenchConnection::connected(Connected connected) {
  pending_.reset();
  if (!connected.transport) return failed_to_open(connect_error(connected.error));
  const BenchTime now = scope_.clock.now();
  scope_.recorder.connected(now - opening_since_, now);
  state_ = State::greeting;
  ending_ = Ending::by_server;
  greeted_ = false;
  bytes_out_ = bytes_in_ = 0;
  connection_ =
      std::make_unique<Connection>(scope_.shard, plan().connection, std::move(connected.transport),
                                   static_cast<ConnectionObserver&>(*this));
  connection_->start();
}

void BenchConnection::on_ready() {
  const Load& load = plan().load;
  if (load.connection.protocol == Protocol::framed && !load.service.empty()) {
    connection_->open(load.service, channel());
  } else if (load.connection.protocol != Protocol::text || !load.skip_greeting) {
    opened();
  }
}

void BenchConnection::on_greeting(const Frame& frame) {
  if (plan().load.connection.protocol == Protocol::text) {
    greeted_ = true;
  } else if (frame.type == FrameType::opened) {
    opened();
  } else if (frame.type == FrameType::error && frame.request_id != 0) {
    fail_opening(BenchError::request_refused, delivered_at());
    give_up();
  }
}

void BenchConnection::opened() {
  state_ = State::open;
  timer_.cancel();
  tried();
  on_open();
}

// Too late to connect, or time to try again.
void BenchConnection::on_time() {
  if (state_ == State::waiting) {
    state_ = State::closed;
    return reopen();
  }
  if (state_ == State::connecting) {
    pending_.reset();
    return failed_to_open(BenchError::connect_timeout);
  }
  fail_opening(BenchError::connect_timeout, scope_.clock.now());
  give_up();
}

void BenchConnection::failed_to_open(BenchError error) {
  fail_opening(error, scope_.clock.now());
  retry();
  tried();
  tell_settled();
}

// Counts as an error of its own where no operation has begun with it.
void BenchConnection::fail_opening(BenchError error, BenchTime now) {
  if (!ring_.empty()) return fail_all(error, error, now);
  // A run that only its operations end loses one, so that it does end.
  const bool has_time = plan().load.duration > BenchDuration::zero();
  if (!has_time && owes()) ++begun_;
  scope_.recorder.failed(error, opening_since_, now);
}

void BenchConnection::retry() {
  state_ = State::waiting;
  const auto wait = std::uniform_int_distribution<Duration::rep>(kWaitLeast.count(),
                                                                 kWaitMost.count())(scope_.random);
  timer_.set(scope_.phase == BenchPhase::draining ? kNever : scope_.shard.now() + Duration(wait));
}

void BenchConnection::tried() {
  if (!std::exchange(was_tried_, true)) scope_.owner.on_tried();
}

// ---- What comes ----

void BenchConnection::on_frame(const Frame& frame) {
  if (state_ == State::open) return on_reply(frame);
  if (state_ == State::greeting) on_greeting(frame);
}

void BenchConnection::on_delivered() {
  count_bytes_in(delivered_at());
  if (state_ == State::open) {
    on_replies_end();
  } else if (greeted_) {
    opened();
  }
  delivered_at_.reset();
  tell_settled();
}

void BenchConnection::on_drained() {
  count_bytes_out(scope_.clock.now());
  if (state_ == State::open) on_room();
}

void BenchConnection::check_patience(BenchTime now) {
  const bool waits = is_open() && !ring_.empty();
  if (!waits || now - ring_.front().sent < plan().load.reply_timeout) return;
  fail_all(BenchError::reply_timeout, BenchError::reply_timeout, now);
  give_up();
}

// ---- Operations ----

BenchTime BenchConnection::due_time(std::uint64_t of_connection) const noexcept {
  return scope_.begin + plan().arrivals->due(plan().key(index_, of_connection).number);
}

void BenchConnection::sent_at(BenchTime now, std::size_t times, BenchTime room_since,
                              bool room_by_reply) {
  const bool is_open_loop = plan().arrivals.has_value();
  for (std::size_t i = ring_.size() - times; i < ring_.size(); ++i) {
    ring_[i].sent = now;
    if (is_open_loop) scope_.recorder.sent(ring_[i], room_since, room_by_reply);
  }
  if (!is_open_loop) scope_.recorder.sent(now, times);
}

void BenchConnection::count_bytes_out(BenchTime now) {
  const std::uint64_t sent = connection_->sent_bytes();
  scope_.recorder.bytes_out(sent - std::exchange(bytes_out_, sent), now);
}

void BenchConnection::count_bytes_in(BenchTime now) {
  const std::uint64_t received = connection_->received_bytes();
  scope_.recorder.bytes_in(received - std::exchange(bytes_in_, received), now);
}

void BenchConnection::fail_all(BenchError first, BenchError others, BenchTime now) {
  for (BenchError error = first; !ring_.empty(); ring_.pop()) {
    if (ring_.front().is_answered) continue;
    scope_.recorder.failed(error, scope_.recorder.began(ring_.front()), now);
    error = others;
  }
}

void BenchConnection::make_due(std::uint64_t times) {
  due_ += times;
  if (times > 0 && !std::exchange(is_busy_, true)) scope_.owner.on_busy();
}

void BenchConnection::tell_settled() {
  const bool has_begun_all = begun_ == due_ || scope_.phase == BenchPhase::draining;
  if (!has_begun_all || !ring_.empty()) return;
  if (std::exchange(is_busy_, false)) scope_.owner.on_settled();
}

void BenchConnection::call_again() {
  if (!std::exchange(is_called_again_, true)) scope_.owner.call_again(*this);
}

// ---- The end of a connection ----

void BenchConnection::replace() {
  ending_ = Ending::replaced;
  connection_->close();
}

void BenchConnection::give_up() {
  ending_ = Ending::given_up;
  connection_->close();
}

void BenchConnection::on_ended(const Failure& failure) {
  const BenchTime now = scope_.clock.now();
  delivered_at_.reset();
  count_bytes_in(now);
  if (ending_ == Ending::by_server && failure.kind == FailureKind::none && on_server_end())
    ending_ = Ending::replaced;
  if (ending_ == Ending::by_server) {
    settle(failure, now);
    scope_.recorder.lost_connection(now);
  } else {
    scope_.recorder.closed_connection();
  }
  while (!ring_.empty()) {
    if (!ring_.front().is_answered) scope_.recorder.unfinished();
    ring_.pop();
  }
  connection_.reset();
  delivered_at_.reset();
  timer_.cancel();
  if (ending_ == Ending::replaced) {
    state_ = State::closed;
    reopen();
  } else {
    retry();
  }
  tried();
  tell_settled();
}

void BenchConnection::settle(const Failure& failure, BenchTime now) {
  const BenchError error = bench_error(failure.kind);
  if (state_ == State::greeting) return fail_opening(error, now);
  const bool in_order = failure.kind == FailureKind::none || error == BenchError::short_read;
  const bool is_short = error == BenchError::short_read || (in_order && is_within_reply());
  fail_all(is_short ? BenchError::short_read : error, in_order ? BenchError::closed : error, now);
}

}  // namespace fairlead
