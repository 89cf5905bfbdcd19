// The addresses that a load test connects from.
#pragma once

#include <cstdint>
#include <optional>

#include "common/net/endpoint.hpp"

namespace fairlead {

// Those of a block that a machine can have: without the first and the last of an IPv4 block of four
// or more, which name the network and all of it. None: the kernel chooses. A value.
class SourceAddresses {
 public:
  explicit SourceAddresses(const std::optional<AddressBlock>& block = {}) noexcept;

  // How many different ones at() gives; 1 where the kernel chooses. At most 2^32.
  std::uint64_t count() const noexcept { return count_; }

  // The `index`th, beginning again behind the last; its port is 0.
  std::optional<PeerAddress> at(std::uint64_t index) const noexcept;

 private:
  std::optional<PeerAddress> first_;
  std::uint64_t count_ = 1;
};

}  // namespace fairlead
