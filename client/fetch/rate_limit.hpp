// --limit-rate: bytes a second over all connections of a command. A token bucket. Sans-IO.
#pragma once

#include <cstdint>

#include "common/base/time.hpp"

namespace fairlead {

// Owned by a command, shared by its connections; used on one thread.
//
// Invariant: N connections that each keep to what take() returns receive in any time T at most
// rate x (T + kBurst) and N reads.
class RateLimit {
 public:
  // The burst allowed after a pause, as time at full rate.
  static constexpr Duration kBurst{250};

  // 0: no limit.
  explicit RateLimit(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}

  // Counts received bytes, and returns when their connection may be read again: `now`, or later
  // after a pause. The time-out of a paused connection has to wait, too.
  TimePoint take(std::uint64_t bytes, TimePoint now);

  // What one of `connections` (>= 1) may ask for at once: a second's worth, so that a server has
  // sent it before its connection is paused, and sees no reader that is slow.
  std::uint64_t request_bytes(std::uint64_t connections) const noexcept;

  // The same where the client cannot ask for so much, as of a plain server: what the kernel may
  // hold unread (ConnectSettings). 0: as it sees fit, or because one read is less than a second's
  // worth.
  std::uint32_t receive_buffer_bytes() const noexcept;

  bool is_unlimited() const noexcept { return rate_ == 0; }

 private:
  std::uint64_t rate_;
  double excess_bytes_ = 0;  // received too early, at the time `counted_`
  TimePoint counted_{};
};

}  // namespace fairlead
