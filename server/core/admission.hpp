// Which connections may stay: asked once for each connection, never for a message.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "common/base/time.hpp"
#include "common/net/endpoint.hpp"
#include "common/protocol/close_reason.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

class AdmissionUnit;

// [limits] max_connections, max_per_ip, accept_rate, accept_rate_per_ip, early_drop, and [access],
// for the whole daemon, and what a listener has of its own. Shared by the shards; a mutex guards
// it, because a connection is rare beside a message. Outlives its units. Unix sockets are judged by
// the numbers of connections only: a user who may open the path may connect.
//
// Invariant: connections() == units that exist == the sum over the listeners.
class Admission {
 public:
  // `connections_max` is what max_connections means here (auto is resolved). `seed` is for the
  // random choice of early_drop.
  Admission(const LimitSettings& limits, const AccessSettings& access,
            std::uint64_t connections_max, std::uint64_t seed);
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // A reload. Whoever is in keeps the place, whatever is allowed now.
  void change(const LimitSettings& limits, const AccessSettings& access,
              std::uint64_t connections_max);

  struct Answer;
  // Both the daemon's limits and the listener's must admit the peer.
  Answer admit(const PeerAddress& peer, const ListenerSettings& listener, TimePoint now);

  // The place of one that another process had admitted: no limit is asked, since a lower one closes
  // nobody. Throws std::bad_alloc.
  AdmissionUnit take_over(const PeerAddress& peer, const std::string& listener);

  std::uint64_t connections() const;

 private:
  friend class AdmissionUnit;

  // What a rate in connections per second leaves of its burst, which is one second's worth.
  struct Bucket {
    double tokens = 0;
    TimePoint filled{};
  };
  // All peers behind one prefix (ip_prefix_v4, ip_prefix_v6).
  struct AddressGroup {
    std::uint64_t connections = 0;
    Bucket rate{};
  };
  struct BlockOrder {
    bool operator()(const AddressBlock& a, const AddressBlock& b) const {
      return a.family != b.family ? a.family < b.family : a.ip < b.ip;
    }
  };
  using Groups = std::map<AddressBlock, AddressGroup, BlockOrder>;
  // How many connections a listener has, by its name, under which another section may follow it.
  using Listeners = std::map<std::string, std::uint64_t>;

  bool is_dropped_early();
  static bool may_take(Bucket& bucket, std::uint64_t per_second, TimePoint now);
  CloseReason judge(AddressGroup& group, TimePoint now);
  AddressBlock block_of(const PeerAddress& peer) const;
  void forget_quiet_groups(TimePoint now);
  void give_back(Groups::iterator group, Listeners::iterator listener);

  mutable std::mutex mutex_;  // guards all that follows
  LimitSettings limits_;
  std::shared_ptr<const AccessSettings> access_;  // its lists may be long: looked through unlocked
  std::uint64_t connections_max_;
  std::uint64_t connections_ = 0;
  std::uint64_t rng_state_;
  Bucket rate_;
  Groups groups_;                 // those with a connection, and those that had one lately
  std::size_t forget_at_ = 1024;  // groups; the next sweep's threshold
  Listeners listeners_;           // those with a connection
};

// The place of one connection among all that the limits allow, at its listener and in its address
// group. Its owner is the connection; the place is free again when the unit is destroyed. On any
// thread.
class AdmissionUnit {
 public:
  AdmissionUnit() noexcept = default;  // no place
  AdmissionUnit(AdmissionUnit&& other) noexcept
      : admission_(std::exchange(other.admission_, nullptr)),
        group_(other.group_),
        listener_(other.listener_) {}
  AdmissionUnit& operator=(AdmissionUnit&& other) noexcept {
    std::swap(admission_, other.admission_);
    std::swap(group_, other.group_);
    std::swap(listener_, other.listener_);
    return *this;
  }
  ~AdmissionUnit() {
    if (admission_ != nullptr) admission_->give_back(group_, listener_);
  }

  explicit operator bool() const noexcept { return admission_ != nullptr; }

 private:
  friend class Admission;
  AdmissionUnit(Admission& admission, Admission::Groups::iterator group,
                Admission::Listeners::iterator listener) noexcept
      : admission_(&admission), group_(group), listener_(listener) {}

  Admission* admission_ = nullptr;
  Admission::Groups::iterator group_{};  // end(): in no group
  Admission::Listeners::iterator listener_{};
};

// Invariant: there is a unit exactly if `refused` is none.
struct Admission::Answer {
  CloseReason refused;  // none, or denied, server_full, ip_limit, rate_limited
  AdmissionUnit unit{};
};

}  // namespace fairlead
