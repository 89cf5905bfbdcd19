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

bool is_denied(const AccessSettings& access, const PeerAddress& peer) {
  const auto allowed = longest_match(access.allow, peer);
  const auto denied = longest_match(access.deny, peer);
  if (!denied) return false;
  return !allowed || *denied >= *allowed;
}

}  // namespace

Admission::Admission(const LimitSettings& limits, const AccessSettings& access,
                     std::uint64_t connections_max, std::uint64_t seed)
    : limits_(limits),
      access_(std::make_shared<const AccessSettings>(access)),
      connections_max_(connections_max),
      rng_state_(seed | 1) {}

void Admission::change(const LimitSettings& limits, const AccessSettings& access,
                       std::uint64_t connections_max) {
  auto lists = std::make_shared<const AccessSettings>(access);
  const std::lock_guard lock(mutex_);
  limits_ = limits;
  access_.swap(lists);
  connections_max_ = connections_max;
}

Admission::Answer Admission::admit(const PeerAddress& peer, const ListenerSettings& listener,
                                   TimePoint now) {
  const bool has_address = peer.family != PeerAddress::Family::unix_socket;
  std::unique_lock lock(mutex_);
  const auto access = access_;
  lock.unlock();
  if (has_address && (is_denied(*access, peer) || is_denied(listener.access, peer)))
    return {CloseReason::denied};
  lock.lock();
  if (connections_ >= connections_max_ || is_dropped_early()) return {CloseReason::server_full};
  auto group = groups_.end();
  auto place = listeners_.end();
  try {
    place = listeners_.try_emplace(listener.name).first;
    if (listener.max_connections > 0 && place->second >= listener.max_connections)
      return {CloseReason::server_full};
    if (has_address) {
      forget_quiet_groups(now);
      group = groups_.try_emplace(block_of(peer)).first;
    }
  } catch (const std::bad_alloc&) {
    return {CloseReason::server_full};  // a connection that cannot be counted is refused
  }
  if (group != groups_.end())
    if (const CloseReason refused = judge(group->second, now); refused != CloseReason::none)
      return {refused};
  // A connection that is refused for its own address takes nothing of the rate that all share.
  if (!may_take(rate_, limits_.accept_rate, now)) return {CloseReason::rate_limited};
  if (group != groups_.end()) ++group->second.connections;
  ++place->second;
  ++connections_;
  return {CloseReason::none, AdmissionUnit(*this, group, place)};
}

AdmissionUnit Admission::take_over(const PeerAddress& peer, const std::string& listener) {
  const bool has_address = peer.family != PeerAddress::Family::unix_socket;
  const std::lock_guard lock(mutex_);
  const auto place = listeners_.try_emplace(listener).first;
  auto group = groups_.end();
  if (has_address) {
    group = groups_.try_emplace(block_of(peer)).first;
    ++group->second.connections;
  }
  ++place->second;
  ++connections_;
  return {*this, group, place};
}

CloseReason Admission::judge(AddressGroup& group, TimePoint now) {
  if (limits_.max_per_ip > 0 && group.connections >= limits_.max_per_ip)
    return CloseReason::ip_limit;
  if (!may_take(group.rate, limits_.accept_rate_per_ip, now)) return CloseReason::rate_limited;
  return CloseReason::none;
}

void Admission::give_back(Groups::iterator group, Listeners::iterator listener) {
  const std::lock_guard lock(mutex_);
  --connections_;
  if (--listener->second == 0) listeners_.erase(listener);
  if (group == groups_.end() || group->second.connections == 0) return;
  if (--group->second.connections == 0 && limits_.accept_rate_per_ip == 0) groups_.erase(group);
}

std::uint64_t Admission::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
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
  return block_around(
      peer, static_cast<std::uint8_t>(ipv4 ? limits_.ip_prefix_v4 : limits_.ip_prefix_v6));
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
