// The addresses that a load test connects from.
#pragma once

#include <cstdint>
#include <optional>

#include "common/net/endpoint.hpp"

namespace fairlead {

// The host addresses of a block: an IPv4 block of four or more has no first and last one (network
// and broadcast). No block: the kernel chooses. A value.
class SourceAddresses {
 public:
  explicit SourceAddresses(const std::optional<AddressBlock>& block = {}) noexcept;

  // The number of different results of at(); 1 if the kernel chooses. At most 2^32.
  std::uint64_t count() const noexcept { return count_; }

  // Address number `index` modulo count(); its port is 0.
  std::optional<PeerAddress> at(std::uint64_t index) const noexcept;

 private:
  std::optional<PeerAddress> first_;
  std::uint64_t count_ = 1;
};

}  // namespace fairlead
