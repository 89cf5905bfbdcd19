// What a session waits for, and what happens when it has waited long enough.
#include <algorithm>

#include "common/base/planted_bug.hpp"
#include "server/core/session.hpp"

namespace fairlead {
namespace {

// Reading to the FIN of a client that goes on sending ends here, however it drips.
constexpr Duration kLingerInAll{30'000};

// Once the drain's deadline is over, nobody is given longer to take what is left.
constexpr Duration kEndingInAll{30'000};

// Where nobody lingers, a client that is owed something when the daemon stops is still given this.
constexpr Duration kPatienceWithoutLinger{2000};

// The pause of a listener that only framed clients can use: it ends an undecided prefix.
constexpr Duration kPauseWithoutService{20};

}  // namespace

Duration Session::pause() const {
  return listener_.service != nullptr ? listener_.service->text_rules.pause : kPauseWithoutService;
}

// Once the daemon is on its way out, a client that takes nothing is given no longer than one that
// says nothing.
Duration Session::write_timeout() const {
  const TimeoutSettings& timeouts = context_.settings.timeouts;
  if (context_.stopping_since == kNever) return timeouts.write;
  const Duration patience =
      timeouts.linger == Duration::zero() ? kPatienceWithoutLinger : timeouts.linger;
  return timeouts.write == Duration::zero() ? patience : std::min(timeouts.write, patience);
}

// For a client that is pushed to, how long more than queue_soft may wait; for every other, and at
// the end, how long the kernel may take nothing of what waits. Never both.
TimePoint Session::behind_deadline() const {
  if (behind_since_ == kNever) return kNever;
  return deadline_after(behind_since_,
                        is_pushed_to() ? context_.settings.limits.queue_soft_for : write_timeout());
}

TimePoint Session::last_deadline() const {
  return deadline_after(context_.stopping_since, kEndingInAll);
}

TimePoint Session::next_deadline() const {
  const TimeoutSettings& timeouts = context_.settings.timeouts;
  if (stage_ == Stage::terminated) return kNever;
  if (stage_ == Stage::lingering) {
    return std::min(
        {deadline_after(last_activity_, timeouts.linger), begun_ + kLingerInAll, last_deadline()});
  }
  TimePoint soonest = std::min(behind_deadline(), last_deadline());
  if (stage_ == Stage::finishing) return soonest;

  if (!is_at_work()) soonest = std::min(soonest, deadline_after(last_activity_, listener_.idle));
  if (bytes_in_ == 0) soonest = std::min(soonest, deadline_after(started_, timeouts.first_byte));
  if (stage_ == Stage::detecting) {
    const bool automatic = listener_.protocol == ListenerProtocol::automatic;
    if (prefix_bytes_ == 0) {
      return automatic && greets() && !probing_pause_
                 ? std::min(soonest, started_ + listener_.greet_wait)
                 : soonest;
    }
    soonest = std::min(soonest, deadline_after(begun_, timeouts.message));
    return automatic && !probing_pause_ ? std::min(soonest, last_received_ + pause()) : soonest;
  }
  const Codec& reading = *codec();
  if (hold_ != Hold::none || !reading.mid_message()) return soonest;
  soonest = std::min(soonest, deadline_after(begun_, timeouts.message));
  return reading.awaits_pause() && !probing_pause_ ? std::min(soonest, last_received_ + pause())
                                                   : soonest;
}

void Session::rearm() {
  const TimePoint soonest = next_deadline();
  if (soonest < deadline()) context_.wheel.schedule(*this, soonest);
}

void Session::on_due() {
  guarded([this] {
    const TimePoint now = context_.now;
    const TimeoutSettings& timeouts = context_.settings.timeouts;
    if (stage_ == Stage::lingering) {
      // Closing while much is still on its way would lose it with the client's next byte.
      if (now >= deadline_after(last_activity_, timeouts.linger) && transport_->still_leaves())
        last_activity_ = now;
      const bool over = now >= deadline_after(last_activity_, timeouts.linger) ||
                        now >= begun_ + kLingerInAll || now >= last_deadline();
      if (over) terminate(TerminateManner::quiet);
      return;
    }
    if (now >= behind_deadline() && is_pushed_to() && !planted(PlantedBug::two_verdicts))
      return fall_behind();
    // A slow reader of much makes no room for long; it is judged by what leaves.
    if (behind_since_ != kNever && !is_pushed_to() &&
        now >= std::min(behind_deadline(), deadline_after(last_activity_, listener_.idle)) &&
        transport_->still_leaves()) {
      behind_since_ = last_activity_ = now;
    }
    if (now >= std::min(behind_deadline(), last_deadline())) {
      return cut(evicted_for_ != CloseReason::none ? evicted_for_ : CloseReason::write_timeout);
    }
    if (!is_talking()) return;
    if (bytes_in_ == 0 && now >= deadline_after(started_, timeouts.first_byte)) {
      return close(CloseReason::first_byte_timeout);
    }
    if (!is_at_work() && now >= deadline_after(last_activity_, listener_.idle))
      return close(CloseReason::idle_timeout);
    if (stage_ == Stage::detecting && prefix_bytes_ == 0) {
      if (greets() && listener_.protocol == ListenerProtocol::automatic &&
          now >= started_ + listener_.greet_wait) {
        probing_pause_ = true;
        transport_->probe();
      }
      return;
    }
    const bool unfinished =
        stage_ == Stage::detecting || (codec()->mid_message() && hold_ == Hold::none);
    if (unfinished && now >= deadline_after(begun_, timeouts.message)) {
      return close(CloseReason::message_timeout);
    }
    const bool pausing = stage_ == Stage::detecting
                             ? listener_.protocol == ListenerProtocol::automatic
                             : codec()->awaits_pause() && hold_ == Hold::none;
    if (pausing && now >= last_received_ + pause()) {
      probing_pause_ = true;
      transport_->probe();
    }
  });
}

}  // namespace fairlead
