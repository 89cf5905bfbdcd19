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
    : limits_(limits), access_(access), connections_max_(connections_max), rng_state_(seed | 1) {}

Admission::Answer Admission::admit(const PeerAddress& peer, TimePoint now) {
  const bool has_address = peer.family != PeerAddress::Family::unix_socket;
  if (has_address && is_denied(peer)) return {CloseReason::denied};

  const std::lock_guard lock(mutex_);
  if (connections_ >= connections_max_ || is_dropped_early()) return {CloseReason::server_full};
  auto group = groups_.end();
  if (has_address && counts_groups()) {
    try {
      forget_quiet_groups(now);
      group = groups_.try_emplace(block_of(peer)).first;
    } catch (const std::bad_alloc&) {
      return {CloseReason::server_full};  // a connection that cannot be counted is refused
    }
    if (const CloseReason refused = judge(group->second, now); refused != CloseReason::none)
      return {refused};
  }
  // A connection that is refused for its own address takes nothing of the rate that all share.
  if (!may_take(rate_, limits_.accept_rate, now)) return {CloseReason::rate_limited};
  if (group != groups_.end()) ++group->second.connections;
  ++connections_;
  return {CloseReason::none, AdmissionUnit(*this, group)};
}

AdmissionUnit Admission::take_over(const PeerAddress& peer) {
  const bool has_address = peer.family != PeerAddress::Family::unix_socket;
  const std::lock_guard lock(mutex_);
  auto group = groups_.end();
  if (has_address && counts_groups()) {
    group = groups_.try_emplace(block_of(peer)).first;
    ++group->second.connections;
  }
  ++connections_;
  return {*this, group};
}

CloseReason Admission::judge(AddressGroup& group, TimePoint now) {
  if (limits_.max_per_ip > 0 && group.connections >= limits_.max_per_ip)
    return CloseReason::ip_limit;
  if (!may_take(group.rate, limits_.accept_rate_per_ip, now)) return CloseReason::rate_limited;
  return CloseReason::none;
}

void Admission::give_back(Groups::iterator group) {
  const std::lock_guard lock(mutex_);
  --connections_;
  if (group == groups_.end() || group->second.connections == 0) return;
  if (--group->second.connections == 0 && limits_.accept_rate_per_ip == 0) groups_.erase(group);
}

std::uint64_t Admission::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

// The longest matching prefix wins, deny wins a tie, and a peer that no list names may connect.
bool Admission::is_denied(const PeerAddress& peer) const {
  const auto allowed = longest_match(access_.allow, peer);
  const auto denied = longest_match(access_.deny, peer);
  if (!denied) return false;
  return !allowed || *denied >= *allowed;
}

// Between early_drop percent of the limit and the limit itself, the chance to be refused grows from
// 0 to 1, so that clients that reconnect all at once do not all succeed at once.
bool Admission::is_dropped_early() {
  if (limits_.early_drop == 0) return false;
  const double from =
      static_cast<double>(connections_max_) * static_cast<double>(limits_.early_drop) / 100.0;
  const double span = static_cast<double>(connections_max_) - from;
  const double above = static_cast<double>(connections_) - from;
  if (above <= 0 || span <= 0) return false;
  // xorshift64: chance, not secrets.
  rng_state_ ^= rng_state_ << 13;
  rng_state_ ^= rng_state_ >> 7;
  rng_state_ ^= rng_state_ << 17;
  return static_cast<double>(rng_state_ >> 11) / static_cast<double>(1ULL << 53) < above / span;
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

AddressBlock Admission::block_of(const PeerAddress& peer) const {
  const bool ipv4 = peer.family == PeerAddress::Family::ipv4;
  const auto bits = static_cast<std::uint8_t>(ipv4 ? limits_.ip_prefix_v4 : limits_.ip_prefix_v6);
  AddressBlock block{peer.family, peer.ip, bits};
  for (std::size_t i = 0; i < block.ip.size(); ++i) {
    const int kept = std::clamp(static_cast<int>(bits) - static_cast<int>(8 * i), 0, 8);
    block.ip[i] = static_cast<std::uint8_t>(block.ip[i] & (0xff00U >> kept));
  }
  return block;
}

// A group without a connection whose bucket is full again need not be remembered.
void Admission::forget_quiet_groups(TimePoint now) {
  if (groups_.size() < forget_at_) return;
  std::erase_if(groups_, [now](const auto& entry) {
    const AddressGroup& group = entry.second;
    return group.connections == 0 && now - group.rate.filled >= std::chrono::seconds(1);
  });
  forget_at_ = std::max<std::size_t>(1024, 2 * groups_.size());
}

}  // namespace fairlead
