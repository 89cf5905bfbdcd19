// Every deadline of a connection, once: when it is, and what it is for. Pure: time stamps in,
// deadlines out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "common/base/time.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

// In the order in which they are looked at: the first one that has come acts.
enum class Expiry : std::uint8_t {
  ending,          // the daemon stops, and has waited long enough for this client
  linger_total,    // lingering, however much the peer still sends
  linger_silence,  // lingering, and the peer is silent
  write,           // the peer takes nothing of what waits for it
  first_byte,      // the peer has said nothing since it connected
  idle,            // nothing moves
  greeting,        // the peer may be waiting for our greeting: look whether it has said anything
  message,         // a message was begun and is not finished
  pause,           // a silence may have ended a message: look whether it is one
};
inline constexpr std::size_t kExpiryCount = 9;

// Since when a connection waits; kNever: it does not.
struct Clocks {
  TimePoint stopping_since = kNever;  // the deadline of the daemon's drain has passed
  TimePoint lingering_since = kNever;
  TimePoint linger_silent_since = kNever;
  TimePoint write_blocked_since = kNever;
  TimePoint unheard_since = kNever;  // no byte has come yet
  TimePoint idle_since = kNever;
  TimePoint ungreeted_since = kNever;
  TimePoint message_since = kNever;
  TimePoint silent_since = kNever;  // within a message that a silence may end
};

// How long each wait may be; zero: without end, but for greet_wait and pause, which are then over
// at once.
struct Waits {
  const TimeoutSettings& timeouts;
  std::optional<Duration> idle;  // the listener's own
  Duration greet_wait, pause;
};

struct Deadline {
  TimePoint at;  // kNever: there is none
  Expiry what;
};

std::array<Deadline, kExpiryCount> deadlines(const Clocks& clocks, const Waits& waits) noexcept;

// The time of the earliest; kNever: there is none.
TimePoint earliest(const std::array<Deadline, kExpiryCount>& all) noexcept;

}  // namespace fairlead
