// Who may stay connected: asked once per connection, never per message.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "common/base/time.hpp"
#include "common/net/endpoint.hpp"
#include "common/protocol/close_reason.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

// [limits] max_connections, max_per_ip, accept_rate, accept_rate_per_ip, early_drop, and [access],
// for the whole daemon. Shared by its shards; a mutex guards it, because a connection is rare
// beside a message. Unix sockets are judged by the overall limits only: whoever may open the path
// may connect.
//
// Invariant: connections() == admit() calls answered `none` - release() calls.
class Admission {
 public:
  // `connections_max` is what max_connections means here (auto is resolved). `seed` is for
  // early_drop's dice.
  Admission(const LimitSettings& limits, const AccessSettings& access,
            std::uint64_t connections_max, std::uint64_t seed);

  // none: welcome, and release() is owed. Else why not: denied, server_full, ip_limit or
  // rate_limited; nothing is owed.
  CloseReason admit(const PeerAddress& peer, TimePoint now);
  void release(const PeerAddress& peer);

  std::uint64_t connections() const;
  std::size_t neighbours_remembered() const;

 private:
  // What a rate in connections per second leaves of its burst, which is one second's worth.
  struct Bucket {
    double tokens = 0;
    TimePoint filled{};
  };
  // Everybody behind one prefix (ip_prefix_v4, ip_prefix_v6).
  struct Neighbourhood {
    std::uint64_t connections = 0;
    Bucket rate;
  };

  bool is_denied(const PeerAddress& peer) const;
  bool is_dropped_early();
  static bool may_take(Bucket& bucket, std::uint64_t per_second, TimePoint now);
  CloseReason admit_neighbour(Neighbourhood& neighbours, TimePoint now);
  AddressBlock neighbourhood_of(const PeerAddress& peer) const;
  void forget_quiet_neighbours(TimePoint now);

  struct BlockOrder {
    bool operator()(const AddressBlock& a, const AddressBlock& b) const {
      return a.family != b.family ? a.family < b.family : a.ip < b.ip;
    }
  };

  const LimitSettings& limits_;
  const AccessSettings& access_;
  const std::uint64_t connections_max_;

  mutable std::mutex mutex_;  // guards all that follows
  std::uint64_t connections_ = 0;
  std::uint64_t dice_;
  Bucket rate_;
  std::map<AddressBlock, Neighbourhood, BlockOrder> neighbours_;
  std::size_t forget_at_ = 1024;  // neighbours; the next sweep's threshold
};

}  // namespace fairlead
