#include "server/core/deadlines.hpp"

#include <algorithm>

namespace fairlead {
namespace {

// A peer that goes on sending after our FIN is read from for no longer than this.
constexpr Duration kLingerTotal{30'000};

// What a client gets at most, once the drain's deadline has passed, to take what is left for it.
constexpr Duration kEndingTotal{30'000};

// With `linger = 0`, a client with unsent replies still gets this long during shutdown.
constexpr Duration kStoppingPatienceMin{2000};

TimePoint after(TimePoint since, Duration wait) noexcept {
  return since == kNever ? kNever : since + wait;
}

// While the daemon stops, a client that takes nothing gets no longer than one that says nothing.
Duration write_wait(const Clocks& clocks, const TimeoutSettings& timeouts) noexcept {
  if (clocks.stopping_since == kNever) return timeouts.write;
  const Duration patience =
      timeouts.linger == Duration::zero() ? kStoppingPatienceMin : timeouts.linger;
  return timeouts.write == Duration::zero() ? patience : std::min(timeouts.write, patience);
}

}  // namespace

std::array<Deadline, kExpiryCount> deadlines(const Clocks& clocks, const Waits& waits) noexcept {
  const TimeoutSettings& timeouts = waits.timeouts;
  return {{
      {after(clocks.stopping_since, kEndingTotal), Expiry::ending},
      {after(clocks.lingering_since, kLingerTotal), Expiry::linger_total},
      {deadline_after(clocks.linger_silent_since, timeouts.linger), Expiry::linger_silence},
      {deadline_after(clocks.write_blocked_since, write_wait(clocks, timeouts)), Expiry::write},
      {deadline_after(clocks.unheard_since, timeouts.first_byte), Expiry::first_byte},
      {deadline_after(clocks.idle_since, waits.idle.value_or(timeouts.idle)), Expiry::idle},
      {after(clocks.ungreeted_since, waits.greet_wait), Expiry::greeting},
      {deadline_after(clocks.message_since, timeouts.message), Expiry::message},
      {after(clocks.silent_since, waits.pause), Expiry::pause},
  }};
}

TimePoint earliest(const std::array<Deadline, kExpiryCount>& all) noexcept {
  TimePoint soonest = kNever;
  for (const Deadline& deadline : all) soonest = std::min(soonest, deadline.at);
  return soonest;
}

}  // namespace fairlead
