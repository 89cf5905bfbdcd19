#include "client/bench/engine/bench_connector.hpp"

#include <array>
#include <cerrno>
#include <random>
#include <utility>

namespace fairlead {
namespace {

constexpr Duration kWaitMin{50}, kWaitMax{150};

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

}  // namespace

BenchConnector::BenchConnector(BenchScope& scope, std::uint32_t index,
                               BenchConnectorObserver& observer)
    : scope_(scope),
      index_(index),
      observer_(observer),
      timer_(scope.shard, [this] { on_time(); }) {}

// ---- Opening ----

void BenchConnector::open(BenchTime now) {
  state_ = State::connecting;
  opening_since_ = now;
  timer_.set(deadline_after(scope_.shard.now(), scope_.plan.load.connect_timeout));
  pending_ =
      scope_.network.connect(scope_.plan.server, scope_.plan.sources.at(index_ + openings_++),
                             [this](Connected connected) { on_connected(std::move(connected)); });
}

void BenchConnector::on_connected(Connected connected) {
  pending_.reset();
  if (!connected.stream) return fail(connect_error(connected.error));
  const BenchTime now = scope_.clock.now();
  scope_.recorder.on_connected(now - opening_since_, now);
  state_ = State::greeting;
  ending_ = Ending::by_server;
  is_greeted_ = false;
  bytes_out_ = bytes_in_ = 0;
  connection_ = std::make_unique<ServerConnection>(scope_.shard, scope_.plan.connection,
                                                   std::move(connected.stream),
                                                   static_cast<ConnectionObserver&>(*this));
  connection_->start();
}

void BenchConnector::on_ready() {
  const Load& load = scope_.plan.load;
  if (load.connection.protocol == Protocol::framed && !load.service.empty()) {
    connection_->open(load.service, scope_.channel());
  } else if (load.connection.protocol != Protocol::text || !load.skip_greeting) {
    on_greeted();
  }
}

void BenchConnector::on_greeting(const Frame& frame) {
  if (scope_.plan.load.connection.protocol == Protocol::text) {
    is_greeted_ = true;
  } else if (frame.type == FrameType::opened) {
    on_greeted();
  } else if (frame.type == FrameType::error && frame.request_id != 0) {
    observer_.on_open_failed(BenchError::request_refused, opening_since_, delivered_at());
    give_up();
  }
}

void BenchConnector::on_greeted() {
  state_ = State::open;
  timer_.cancel();
  tell_tried();
  observer_.on_open();
}

void BenchConnector::on_time() {
  if (state_ == State::waiting) {
    state_ = State::closed;
    return observer_.on_reopen();
  }
  if (state_ == State::connecting) {
    pending_.reset();
    return fail(BenchError::connect_timeout);
  }
  observer_.on_open_failed(BenchError::connect_timeout, opening_since_, scope_.clock.now());
  give_up();
}

void BenchConnector::fail(BenchError error) {
  observer_.on_open_failed(error, opening_since_, scope_.clock.now());
  wait_to_retry();
  tell_tried();
  observer_.on_closed();
}

void BenchConnector::wait_to_retry() {
  state_ = State::waiting;
  const auto wait = std::uniform_int_distribution<Duration::rep>(kWaitMin.count(),
                                                                 kWaitMax.count())(scope_.random);
  timer_.set(scope_.phase == BenchPhase::draining ? kNever : scope_.shard.now() + Duration(wait));
}

void BenchConnector::tell_tried() {
  if (!std::exchange(was_tried_, true)) scope_.owner.on_tried();
}

// ---- Open ----

void BenchConnector::on_frame(const Frame& frame) {
  if (state_ == State::open) return observer_.on_frame(frame, delivered_at());
  if (state_ == State::greeting) on_greeting(frame);
}

void BenchConnector::on_delivered() {
  const BenchTime now = delivered_at();
  count_bytes_in(now);
  if (state_ == State::open) {
    observer_.on_delivered(now);
  } else if (is_greeted_) {
    on_greeted();
  }
  delivered_at_.reset();
}

void BenchConnector::on_drained() {
  const BenchTime now = scope_.clock.now();
  count_bytes_out(now);
  if (state_ == State::open) observer_.on_drained(now);
}

BenchTime BenchConnector::delivered_at() noexcept {
  if (!delivered_at_) delivered_at_ = scope_.clock.now();
  return *delivered_at_;
}

void BenchConnector::count_bytes_out(BenchTime now) {
  const std::uint64_t sent = connection_->sent_bytes();
  scope_.recorder.add_bytes_out(sent - std::exchange(bytes_out_, sent), now);
}

void BenchConnector::count_bytes_in(BenchTime now) {
  const std::uint64_t received = connection_->received_bytes();
  scope_.recorder.add_bytes_in(received - std::exchange(bytes_in_, received), now);
}

// ---- The end ----

void BenchConnector::close(Ending ending) {
  ending_ = ending;
  connection_->close();
}

void BenchConnector::on_ended(const Failure& failure) {
  const BenchTime now = scope_.clock.now();
  count_bytes_in(now);
  if (ending_ == Ending::by_server && state_ == State::greeting) {
    observer_.on_open_failed(bench_error(failure.kind), opening_since_, now);
  } else if (ending_ == Ending::by_server && observer_.on_lost(failure, now)) {
    ending_ = Ending::replaced;
  }
  if (ending_ == Ending::by_server) {
    scope_.recorder.on_lost(now);
  } else {
    scope_.recorder.on_closed();
  }
  connection_.reset();
  delivered_at_.reset();
  timer_.cancel();
  if (ending_ != Ending::replaced) wait_to_retry();
  tell_tried();
  observer_.on_closed();
  if (ending_ != Ending::replaced) return;
  state_ = State::closed;
  observer_.on_reopen();
}

BenchError bench_error(FailureKind kind) noexcept {
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

}  // namespace fairlead
