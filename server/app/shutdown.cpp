#include "server/app/shutdown.hpp"

#include <algorithm>

namespace fairlead {

void Shutdown::change_times(Duration drain, Duration lame_duck) noexcept {
  drain_time_ = drain;
  lame_duck_time_ = lame_duck;
}

Shutdown::Order Shutdown::on_request(StopRequest request, TimePoint now) noexcept {
  if (phase_ == Phase::over) return Order::none;
  if (phase_ == Phase::running) {
    phase_ = Phase::closing;
    kind_ = request;
    return Order::close_listeners;
  }
  // A lame duck asks for no more than what is under way, and nothing asks for more than a cut.
  if (request == StopRequest::lame_duck || is_cutting_) return Order::none;
  is_cutting_ = kind_ == StopRequest::drain;
  kind_ = StopRequest::drain;
  return phase_ == Phase::serving ? begin_serving(now) : Order::none;
}

Shutdown::Order Shutdown::on_listeners_closed(TimePoint now) noexcept {
  return phase_ == Phase::closing ? begin_serving(now) : Order::none;
}

Shutdown::Order Shutdown::begin_serving(TimePoint now) noexcept {
  phase_ = Phase::serving;
  if (is_cutting_) return Order::cut;
  const bool is_lame_duck = kind_ == StopRequest::lame_duck;
  deadline_ = std::min(deadline_, now + (is_lame_duck ? lame_duck_time_ : drain_time_));
  return is_lame_duck ? Order::begin_lame_duck : Order::begin_drain;
}

Shutdown::Order Shutdown::on_deadline() noexcept {
  return phase_ == Phase::serving && !is_cutting_ ? Order::evict : Order::none;
}

Shutdown::Order Shutdown::on_last_session_ended() noexcept {
  if (phase_ != Phase::serving) return Order::none;
  phase_ = Phase::over;
  return Order::finish;
}

}  // namespace fairlead
