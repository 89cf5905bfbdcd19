#include "client/api/client.hpp"

#include <utility>

namespace fairlead {
namespace {

// After a connection that lasted this long the waits start from the shortest again.
constexpr Duration kGoodAfter{10'000};

// Another attempt would fail in the same way.
bool is_final(FailureKind kind) {
  return kind == FailureKind::bad_protocol || kind == FailureKind::too_big ||
         kind == FailureKind::request_refused;
}

}  // namespace

Client::Client(ClientShard& shard, Network& network, const ClientSettings& settings,
               ClientObserver& observer)
    : shard_(shard),
      settings_(settings),
      observer_(observer),
      dialer_(shard, network),
      backoff_(settings.reconnect.waits, settings.reconnect.seed),
      timer_(shard, [this] { on_timer(); }),
      deadline_(shard, [this] { on_silence_timer(); }),
      resume_(shard, [this] { connection_->resume(); }) {}

Client::~Client() = default;

void Client::open() { dial(); }

void Client::dial() {
  connection_.reset();
  dialer_.dial(settings_.server, settings_.dial,
               [this](DialResult dialed) { on_dialed(std::move(dialed)); });
}

void Client::on_dialed(DialResult dialed) {
  if (!dialed) return on_failure(dialed.error());
  destination_ = std::move(dialed->destination);
  ConnectionObserver& self = *this;
  connection_ = std::make_unique<ServerConnection>(shard_, settings_.connection,
                                                   std::move(dialed->stream), self);
  is_connected_ = true;
  timer_.set(deadline_after(shard_.now(), settings_.dial.timeout));
  connection_->start();
}

void Client::on_timer() {
  if (closing_) return end({});
  if (!is_connected_) return dial();
  connection_->close({.kind = FailureKind::connect_timeout,
                      .what = connection_->hello()
                                  ? "the server did not answer whether it opens the service"
                                  : "the server did not say HELLO; does it speak framed?"});
}

void Client::on_ready() {
  timer_.cancel();
  is_ready_ = was_ready_ = true;
  ready_since_ = shard_.now();
  observer_.on_ready(destination_);
}

void Client::on_ended(const Failure& failure) {
  if (is_ready_ && shard_.now() - ready_since_ >= kGoodAfter) {
    backoff_.reset();
    retries_ = 0;
  }
  timer_.cancel();
  resume_.cancel();
  is_connected_ = is_ready_ = false;
  on_failure(failure);
}

void Client::on_failure(const Failure& failure) {
  if (!will_retry(failure)) return end(failure);
  ++retries_;
  const Duration wait = backoff_.next();
  timer_.set(shard_.now() + wait);
  observer_.on_retry(failure, wait);
}

bool Client::will_retry(const Failure& failure) const {
  const ReconnectSettings& reconnect = settings_.reconnect;
  if (closing_ || is_final(failure.kind)) return false;
  if (reconnect.when == ReconnectSettings::When::never) return false;
  if (reconnect.when == ReconnectSettings::When::until_connected && was_ready_) return false;
  return reconnect.retries_max == 0 || retries_ < reconnect.retries_max;
}

void Client::close() {
  if (std::exchange(closing_, true)) return;
  timer_.cancel();
  dialer_.cancel();
  if (is_connected_) return connection_->close();
  timer_.set(shard_.now());  // so that on_ended never comes within this call
}

void Client::end(const Failure& failure) {
  closing_ = true;
  timer_.cancel();
  deadline_.cancel();
  observer_.on_ended(failure);
}

// ---- Waiting ----

void Client::set_deadline(TimePoint at) {
  silence_max_ = {};
  deadline_.set(at);
}

void Client::watch_silence(Duration timeout) {
  if (!is_ready_) return;
  silence_max_ = timeout;
  progress_at_ = resume_.is_set() ? paused_until_ : shard_.now();
  listen();
}

void Client::listen() {
  is_pinged_ = false;
  heard_bytes_ = connection_->received_bytes();
  pong_bytes_ = 0;
  const TimePoint from = resume_.is_set() ? paused_until_ : shard_.now();
  deadline_.set(deadline_after(from, (silence_max_ + Duration(1)) / 2));
}

void Client::on_silence_timer() {
  if (silence_max_ == Duration::zero()) return observer_.on_deadline();
  if (!is_ready_) return;
  const std::uint64_t heard = connection_->received_bytes() - heard_bytes_;
  if (heard > pong_bytes_) progress_at_ = shard_.now();
  const bool is_patient = shard_.now() < deadline_after(progress_at_, silence_max_ * kPatience);
  if (heard > 0 && is_patient) return listen();
  if (!is_patient || std::exchange(is_pinged_, true)) return observer_.on_deadline();
  connection_->ping("there?");
  deadline_.set(shard_.now() + (silence_max_ + Duration(1)) / 2);
}

void Client::on_frame(const Frame& frame) {
  if (frame.type != FrameType::pong || silence_max_ == Duration::zero())
    return observer_.on_frame(frame);
  pong_bytes_ += kFrameHeaderBytes + frame.payload.size();
}

void Client::pause_until(TimePoint until) {
  if (until <= shard_.now() || !is_ready_) return;
  connection_->pause();
  paused_until_ = until;
  resume_.set(until);
}

}  // namespace fairlead
