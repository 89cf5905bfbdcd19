// How many connections the descriptors allow.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/core/settings.hpp"

namespace fairlead {

// Descriptors that are not connections: logs, listeners, loops, files being sent.
inline constexpr std::uint64_t kReservedDescriptors = 128;

// Of them, those by which clients are told that there are no others.
inline constexpr std::size_t kReserveForRefusals = 16;

struct ConnectionLimit {
  std::uint64_t descriptors;
  std::uint64_t possible;
  std::uint64_t meant;  // by max_connections
};

// `descriptors`: what RLIMIT_NOFILE allows; every connection is one.
constexpr ConnectionLimit connection_limit(std::uint64_t descriptors,
                                           const LimitSettings& limits) noexcept {
  const std::uint64_t possible =
      descriptors > kReservedDescriptors ? descriptors - kReservedDescriptors : 1;
  return {.descriptors = descriptors,
          .possible = possible,
          .meant = limits.max_connections == 0 ? possible : limits.max_connections};
}

}  // namespace fairlead
