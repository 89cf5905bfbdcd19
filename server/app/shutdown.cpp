#include "server/app/shutdown.hpp"

#include <algorithm>

namespace fairlead {

Shutdown::Order Shutdown::on_request(StopRequest request, TimePoint now) noexcept {
  if (phase_ == Phase::over) return Order::none;
  if (phase_ == Phase::running) {
    phase_ = Phase::closing;
    kind_ = request;
    return Order::close_listeners;
  }
  // Nothing but a drain asks for more than what is under way, and nothing for more than a cut.
  if (request != StopRequest::drain || is_cutting_) return Order::none;
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
  deadline_ = std::min(deadline_, now + time_of(kind_));
  return kind_ == StopRequest::lame_duck ? Order::begin_lame_duck : Order::begin_drain;
}

Duration Shutdown::time_of(StopRequest request) const noexcept {
  switch (request) {
    case StopRequest::drain:
      break;
    case StopRequest::lame_duck:
      return times_.lame_duck;
    case StopRequest::handed_over:
      return times_.upgrade_drain;
  }
  return times_.drain;
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
