#include "client/bench/workload/source_addresses.hpp"

#include <algorithm>

namespace fairlead {

SourceAddresses::SourceAddresses(const std::optional<AddressBlock>& block) noexcept {
  if (!block) return;
  const bool is_v4 = block->family == PeerAddress::Family::ipv4;
  const unsigned free_bits = (is_v4 ? 32U : 128U) - block->prefix_bits;
  count_ = std::uint64_t{1} << std::min(free_bits, 32U);
  first_ = PeerAddress{.ip = block->ip, .port = 0, .family = block->family};
  if (!is_v4 || free_bits < 2) return;
  first_ = at(1);
  count_ -= 2;
}

std::optional<PeerAddress> SourceAddresses::at(std::uint64_t index) const noexcept {
  if (!first_) return {};
  PeerAddress result = *first_;
  std::uint64_t carry = index % count_;
  const std::size_t bytes = result.family == PeerAddress::Family::ipv4 ? 4 : 16;
  for (std::size_t i = bytes; i-- > 0 && carry > 0; carry >>= 8) {
    carry += result.ip[i];
    result.ip[i] = static_cast<std::uint8_t>(carry);
  }
  return result;
}

}  // namespace fairlead
