#include "client/bench/engine/bench_connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>
#include <utility>

#include "client/bench/engine/bench_worker.hpp"

namespace fairlead {
namespace {

// The wait after a failure, drawn by chance, so that connections which were lost together do not
// come back together.
constexpr Duration kWaitMin{50}, kWaitMax{150};
// Requests in one write: bounds what is queued for a peer that does not read, unless one message is
// longer.
constexpr std::size_t kWriteBytesMax = 256 * std::size_t{1024};

BenchError connect_error(const std::error_code& error) noexcept {
  constexpr std::pair<int, BenchError> kErrors[] = {
      {ECONNREFUSED, BenchError::refused}, {EADDRNOTAVAIL, BenchError::no_port},
      {EADDRINUSE, BenchError::no_port},   {EMFILE, BenchError::no_descriptor},
      {ENFILE, BenchError::no_descriptor}, {ETIMEDOUT, BenchError::connect_timeout},
      {ECONNRESET, BenchError::reset}};
  const auto* found = std::ranges::find(kErrors, error.value(), &std::pair<int, BenchError>::first);
  return found == std::end(kErrors) ? BenchError::unreachable : found->second;
}

BenchError error_of(FailureKind kind) noexcept {
  // In the order of FailureKind.
  constexpr std::array<BenchError, 14> kErrors{
      BenchError::closed,      BenchError::unreachable,    BenchError::refused,
      BenchError::unreachable, BenchError::no_descriptor,  BenchError::connect_timeout,
      BenchError::reset,       BenchError::vanished,       BenchError::other,
      BenchError::short_read,  BenchError::protocol,       BenchError::protocol,
      BenchError::turned_away, BenchError::request_refused};
  static_assert(kErrors.size() == static_cast<std::size_t>(FailureKind::request_refused) + 1);
  return kErrors[static_cast<std::size_t>(kind)];
}

}  // namespace

BenchConnection::BenchConnection(BenchScope& scope, std::uint32_t index)
    : scope_(scope),
      index_(index),
      operations_(scope, index),
      traffic_(make_traffic(scope, operations_)),
      timer_(scope.shard, [this] { on_time(); }) {}

void BenchConnection::work() {
  if (!scope_.plan.connects_each) return send_due();
  if (operations_.sendable() > 0) open();
}

// ---- Opening ----

void BenchConnection::open() {
  if (state_ != State::closed || scope_.phase == BenchPhase::draining) return;
  state_ = State::connecting;
  opening_since_ = scope_.clock.now();
  if (scope_.plan.connects_each) {
    operations_.begin();
    operations_.on_sent(opening_since_, 1, room_);
  }
  timer_.set(deadline_after(scope_.shard.now(), scope_.plan.load.connect_timeout));
  pending_ = scope_.network.connect(
      scope_.plan.server(index_, openings_), {.source = scope_.plan.source(index_, openings_)},
      [this](Connected connected) { on_connected(std::move(connected)); });
  ++openings_;
}

void BenchConnection::on_connected(Connected connected) {
  pending_.reset();
  if (!connected) return fail(connect_error(connected.error()));
  const BenchTime now = scope_.clock.now();
  scope_.recorder.on_connected(now - opening_since_, now);
  state_ = State::greeting;
  ending_ = Ending::by_server;
  is_greeted_ = false;
  completed_before_ = operations_.completed();
  bytes_out_ = bytes_in_ = 0;
  connection_ = std::make_unique<ServerConnection>(scope_.shard, scope_.plan.connection,
                                                   *std::move(connected),
                                                   static_cast<ConnectionObserver&>(*this));
  connection_->start();
}

void BenchConnection::on_ready() {
  const Load& load = scope_.plan.load;
  if (load.connection.protocol == Protocol::framed && !load.service.empty()) {
    connection_->open(load.service, scope_.channel());
  } else if (load.connection.protocol != Protocol::text || !load.skip_greeting) {
    on_greeted();
  }
}

void BenchConnection::on_greeting(const Frame& frame) {
  if (scope_.plan.load.connection.protocol == Protocol::text) {
    is_greeted_ = true;
  } else if (frame.type == FrameType::opened) {
    on_greeted();
  } else if (frame.type == FrameType::error && frame.request_id != 0) {
    operations_.fail_opening(BenchError::request_refused, opening_since_, delivered_at());
    close(Ending::given_up);
  }
}

// A greeting may come in parts. Where its end cannot be told it is over at a silence, unless that
// would be a part of the operation.
void BenchConnection::on_greeting_came() {
  const Load& load = scope_.plan.load;
  if (load.ends_greeting || scope_.plan.connects_each) return on_greeted();
  const bool is_endless = scope_.clock.now() - opening_since_ >= load.connect_timeout;
  if (load.connect_timeout > Duration(0) && is_endless) return;  // as the timer says
  timer_.set(scope_.shard.now() + scope_.plan.load.connection.reply.quiet);
}

void BenchConnection::on_greeted() {
  state_ = State::open;
  timer_.cancel();
  tell_tried();
  is_blocked_ = false;
  uses_left_ = scope_.plan.uses_of_a_connection;
  traffic_->begin();
  if (scope_.plan.connects_each) return send_only_one();
  set_room(scope_.clock.now(), Wait::connection);
  send_due();
}

void BenchConnection::on_time() {
  if (state_ == State::waiting) return retry();
  if (state_ == State::greeting && is_greeted_) return on_greeted();
  if (state_ == State::connecting) {
    pending_.reset();
    return fail(BenchError::connect_timeout);
  }
  operations_.fail_opening(BenchError::connect_timeout, opening_since_, scope_.clock.now());
  close(Ending::given_up);
}

void BenchConnection::fail(BenchError error) {
  operations_.fail_opening(error, opening_since_, scope_.clock.now());
  wait_to_retry();
  on_closed();
}

void BenchConnection::wait_to_retry() {
  state_ = State::waiting;
  room_.paused_from = scope_.clock.now();
  const auto wait = std::uniform_int_distribution<Duration::rep>(kWaitMin.count(),
                                                                 kWaitMax.count())(scope_.random);
  timer_.set(scope_.phase == BenchPhase::draining ? kNever : scope_.shard.now() + Duration(wait));
}

void BenchConnection::tell_tried() {
  if (!std::exchange(was_tried_, true)) scope_.owner.on_tried();
}

void BenchConnection::retry() {
  room_.paused_until = scope_.clock.now();
  reopen();
}

void BenchConnection::reopen() {
  state_ = State::closed;
  if (!scope_.plan.connects_each) return open();
  set_room(scope_.clock.now(), Wait::reply);
  work();
}

// ---- Sending ----

void BenchConnection::send_only_one() {
  --uses_left_;
  if (traffic_->sends()) {
    operations_.set_newest_request(traffic_->send(*connection_, operations_.key(0)));
    connection_->flush();
  }
  if (is_open()) on_all_sent(scope_.clock.now());
}

void BenchConnection::send_due() {
  if (!is_open()) return;
  const std::uint64_t count = sendable();
  for (std::uint64_t i = 0; i < count; ++i) {
    const MessageKey key = operations_.next_key();
    operations_.begin();
    operations_.set_newest_request(traffic_->send(*connection_, key));
  }
  uses_left_ -= count;
  had_room_ = has_room();
  if (count == 0) return;
  const BenchTime now = scope_.clock.now();
  operations_.on_sent(now, count, room_);
  connection_->flush();
  if (is_open()) on_all_sent(now);
}

// How many requests the next write is made of.
std::uint64_t BenchConnection::sendable() const noexcept {
  if (is_blocked_) return 0;
  const std::uint64_t of_a_write = std::max<std::uint64_t>(
      1, kWriteBytesMax / std::max<std::size_t>(1, traffic_->request_bytes_max()));
  return std::min(
      {of_a_write, operations_.sendable(), uses_left_, std::uint64_t{operations_.room()}});
}

void BenchConnection::set_room(BenchTime now, Wait by) noexcept {
  had_room_ = true;
  room_.since = now;
  room_.by = by;
}

Wait BenchConnection::waited_for(BenchTime end) noexcept {
  const bool is_busy = scope_.plan.connects_each || operations_.room() == 0 || is_used_up();
  if (is_busy && operations_.outstanding() > 0)
    return operations_[0].sent <= end ? Wait::reply : Wait::test;
  if (state_ == State::waiting) return Wait::back_off;
  if (state_ == State::closed && scope_.plan.connects_each) return Wait::test;
  if (!is_open()) return Wait::connection;
  return is_blocked_ ? Wait::reply : Wait::test;
}

// What was sent has been offered to the kernel.
void BenchConnection::on_all_sent(BenchTime now) {
  count_bytes_out(now);
  is_blocked_ = connection_->queued_bytes() > 0;
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
  if (is_used_up()) return close(Ending::replaced);
  set_room(now, Wait::reply);
  if (operations_.sendable() > 0) resume_later();
  operations_.tell_settled();
}

void BenchConnection::resume_later() {
  if (!std::exchange(will_resume_, true)) scope_.owner.resume_later(*this);
}

void BenchConnection::on_drained() {
  const BenchTime now = scope_.clock.now();
  count_bytes_out(now);
  if (state_ != State::open || !std::exchange(is_blocked_, false)) return;
  set_room(now, Wait::reply);
  if (!traffic_->awaits_reply()) return finish_unanswered(now);
  send_due();
}

void BenchConnection::count_bytes_out(BenchTime now) {
  const std::uint64_t sent = connection_->sent_bytes();
  scope_.recorder.add_bytes_out(sent - std::exchange(bytes_out_, sent), now);
}

// ---- Replies ----

void BenchConnection::on_frame(const Frame& frame) {
  if (state_ == State::greeting) return on_greeting(frame);
  if (state_ == State::open && !traffic_->on_frame(frame, delivered_at())) close(Ending::given_up);
}

void BenchConnection::on_delivered() {
  const BenchTime now = delivered_at();
  const bool is_silence = connection_->received_bytes() == bytes_in_;
  count_bytes_in(now);
  if (state_ == State::open) {
    on_replies(is_silence ? scope_.clock.now() : now);
  } else if (is_greeted_) {
    on_greeting_came();
  }
  last_bytes_at_ = now;
  delivered_at_.reset();
}

void BenchConnection::on_replies(BenchTime now) {
  if (is_used_up() && operations_.outstanding() == 0) return close(Ending::replaced);
  if (!had_room_ && has_room()) set_room(now, Wait::reply);
  send_due();
  operations_.tell_settled();
}

BenchTime BenchConnection::delivered_at() noexcept {
  // A reply that a silence ends has come with its last byte.
  const bool is_silence = connection_->received_bytes() == bytes_in_;
  if (!delivered_at_) delivered_at_ = is_silence ? last_bytes_at_ : scope_.clock.now();
  return *delivered_at_;
}

void BenchConnection::count_bytes_in(BenchTime now) {
  const std::uint64_t received = connection_->received_bytes();
  scope_.recorder.add_bytes_in(received - std::exchange(bytes_in_, received), now);
}

void BenchConnection::check_patience(BenchTime now) {
  const bool waits = is_open() && operations_.outstanding() > 0;
  if (!waits || now - operations_[0].sent < scope_.plan.load.reply_timeout) return;
  operations_.fail_all(BenchError::reply_timeout, BenchError::reply_timeout, now);
  close(Ending::given_up);
}

// ---- The end ----

void BenchConnection::close(Ending ending) {
  ending_ = ending;
  connection_->close();
}

void BenchConnection::on_ended(const Failure& failure) {
  const BenchTime now = scope_.clock.now();
  count_bytes_in(now);
  if (ending_ == Ending::by_server && state_ == State::greeting) {
    operations_.fail_opening(error_of(failure.kind), opening_since_, now);
  } else if (ending_ == Ending::by_server && is_in_order(failure, now)) {
    ending_ = Ending::replaced;
  }
  if (ending_ == Ending::by_server) {
    scope_.recorder.on_lost(now);
  } else {
    scope_.recorder.on_closed();
  }
  // A server that has served may end a connection whenever it likes (keep-alive limits); one that
  // never does would be tried without a pause.
  const bool has_served = operations_.completed() > completed_before_;
  if (ending_ == Ending::by_server && has_served) ending_ = Ending::replaced;
  connection_.reset();
  delivered_at_.reset();
  timer_.cancel();
  if (ending_ != Ending::replaced) wait_to_retry();
  on_closed();
  if (ending_ == Ending::replaced) reopen();
}

bool BenchConnection::is_in_order(const Failure& failure, BenchTime now) {
  const bool is_end = failure.kind == FailureKind::none;
  if (is_end && traffic_->on_server_end(now)) return true;
  const BenchError error = error_of(failure.kind);
  const bool in_order = is_end || error == BenchError::short_read;
  const bool is_short =
      error == BenchError::short_read || (in_order && traffic_->is_within_reply());
  operations_.fail_all(is_short ? BenchError::short_read : error,
                       in_order ? BenchError::closed : error, now);
  return false;
}

void BenchConnection::on_closed() {
  tell_tried();
  operations_.abandon_all();
  operations_.tell_settled();
}

}  // namespace fairlead
