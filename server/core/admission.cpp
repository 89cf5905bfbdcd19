#include "server/core/admission.hpp"

#include <algorithm>
#include <new>
#include <optional>

namespace fairlead {
namespace {

// The longest block that holds the peer.
std::optional<std::uint8_t> longest_match(const std::vector<AddressBlock>& blocks,
                                          const PeerAddress& peer) {
  std::optional<std::uint8_t> longest;
  for (const AddressBlock& block : blocks) {
    if (block.contains(peer) && (!longest || block.prefix_bits > *longest))
      longest = block.prefix_bits;
  }
  return longest;
}

}  // namespace

Admission::Admission(const LimitSettings& limits, const AccessSettings& access,
                     std::uint64_t connections_max, std::uint64_t seed)
    : limits_(limits), access_(access), connections_max_(connections_max), dice_(seed | 1) {}

CloseReason Admission::admit(const PeerAddress& peer, TimePoint now) {
  const bool has_address = peer.family != PeerAddress::Family::unix_socket;
  if (has_address && is_denied(peer)) return CloseReason::denied;

  const std::lock_guard lock(mutex_);
  if (connections_ >= connections_max_ || is_dropped_early()) return CloseReason::server_full;
  const bool counts_neighbours = limits_.max_per_ip > 0 || limits_.accept_rate_per_ip > 0;
  if (!has_address || !counts_neighbours) {
    if (!may_take(rate_, limits_.accept_rate, now)) return CloseReason::rate_limited;
    ++connections_;
    return CloseReason::none;
  }
  try {
    forget_quiet_neighbours(now);
    return admit_neighbour(neighbours_[neighbourhood_of(peer)], now);
  } catch (const std::bad_alloc&) {
    return CloseReason::server_full;  // whom we cannot remember we cannot count
  }
}

// Who is refused for its own address takes nothing of the rate that all share.
CloseReason Admission::admit_neighbour(Neighbourhood& neighbours, TimePoint now) {
  if (limits_.max_per_ip > 0 && neighbours.connections >= limits_.max_per_ip)
    return CloseReason::ip_limit;
  if (!may_take(neighbours.rate, limits_.accept_rate_per_ip, now)) return CloseReason::rate_limited;
  if (!may_take(rate_, limits_.accept_rate, now)) return CloseReason::rate_limited;
  ++neighbours.connections;
  ++connections_;
  return CloseReason::none;
}

void Admission::release(const PeerAddress& peer) {
  const std::lock_guard lock(mutex_);
  --connections_;
  const auto found = neighbours_.find(neighbourhood_of(peer));
  if (found == neighbours_.end() || found->second.connections == 0) return;
  if (--found->second.connections == 0 && limits_.accept_rate_per_ip == 0) neighbours_.erase(found);
}

std::uint64_t Admission::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

std::size_t Admission::neighbours_remembered() const {
  const std::lock_guard lock(mutex_);
  return neighbours_.size();
}

// The longest matching prefix wins, deny wins a tie, and whom no list names is welcome.
bool Admission::is_denied(const PeerAddress& peer) const {
  const auto allowed = longest_match(access_.allow, peer);
  const auto denied = longest_match(access_.deny, peer);
  if (!denied) return false;
  return !allowed || *denied >= *allowed;
}

// Between early_drop percent of the limit and the limit itself, the chance to be refused grows from
// 0 to 1, so that a crowd that comes back at once does not all come back at once.
bool Admission::is_dropped_early() {
  if (limits_.early_drop == 0) return false;
  const double from =
      static_cast<double>(connections_max_) * static_cast<double>(limits_.early_drop) / 100.0;
  const double span = static_cast<double>(connections_max_) - from;
  const double above = static_cast<double>(connections_) - from;
  if (above <= 0 || span <= 0) return false;
  // xorshift64: dice, not secrets.
  dice_ ^= dice_ << 13;
  dice_ ^= dice_ >> 7;
  dice_ ^= dice_ << 17;
  return static_cast<double>(dice_ >> 11) / static_cast<double>(1ULL << 53) < above / span;
}

bool Admission::may_take(Bucket& bucket, std::uint64_t per_second, TimePoint now) {
  if (per_second == 0) return true;
  const double burst = static_cast<double>(per_second);
  if (bucket.filled == TimePoint{}) {
    bucket = {burst, now};
  } else {
    const double seconds = std::chrono::duration<double>(now - bucket.filled).count();
    bucket = {std::min(burst, bucket.tokens + seconds * burst), now};
  }
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

AddressBlock Admission::neighbourhood_of(const PeerAddress& peer) const {
  const bool ipv4 = peer.family == PeerAddress::Family::ipv4;
  const auto bits = static_cast<std::uint8_t>(ipv4 ? limits_.ip_prefix_v4 : limits_.ip_prefix_v6);
  AddressBlock block{peer.family, peer.ip, bits};
  for (std::size_t i = 0; i < block.ip.size(); ++i) {
    const int kept = std::clamp(static_cast<int>(bits) - static_cast<int>(8 * i), 0, 8);
    block.ip[i] = static_cast<std::uint8_t>(block.ip[i] & (0xff00U >> kept));
  }
  return block;
}

// Those who are gone and whose bucket is full again need not be remembered.
void Admission::forget_quiet_neighbours(TimePoint now) {
  if (neighbours_.size() < forget_at_) return;
  std::erase_if(neighbours_, [now](const auto& one) {
    return one.second.connections == 0 && now - one.second.rate.filled >= std::chrono::seconds(1);
  });
  forget_at_ = std::max<std::size_t>(1024, 2 * neighbours_.size());
}

}  // namespace fairlead
