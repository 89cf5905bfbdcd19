// How much of one connection the kernel may hold unsent (TCP_NOTSENT_LOWAT, tcp(7)), for one that
// sends much. Included by common/io only.
#pragma once

#include <chrono>
#include <cstdint>

namespace fairlead {

struct UnsentLimits {
  std::uint32_t configured;  // bytes; 0: none, whatever `most` says
  std::uint32_t most;        // for the quickest reader
};

// Once a reader has made room after `waited`. The kernel wakes the loop when half of the bound has
// left, so a bound of 32 KiB is a wake-up for every 16 KiB however fast they go. It grows until
// that is some 20 wake-ups a second, and a reader who has become slow gets what is configured
// again.
std::uint32_t fitted_bound(std::uint32_t bound, UnsentLimits limits,
                           std::chrono::microseconds waited);

// Follows one reader. On the thread of the connection's loop; keeps the descriptor, does not own
// it.
class UnsentBound {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // What has been set for the socket is what is configured.
  UnsentBound(int descriptor, std::uint32_t most);

  void on_full(Time now);  // the kernel takes no more
  void on_room(Time now);  // it takes bytes again

  // Whether half of what is configured has left since the kernel was full or was last found to have
  // sent as much: of a large bound that is no room yet, but of a small one it would have been.
  bool has_moved();

 private:
  std::uint32_t unconfirmed() const;

  int descriptor_;
  UnsentLimits limits_;
  std::uint32_t bound_ = 0;
  std::uint32_t unconfirmed_ = 0;  // bytes of ours that the peer's kernel had not confirmed
  Time full_since_{};
};

}  // namespace fairlead
