// How many connections the descriptors allow.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "server/core/settings.hpp"

namespace fairlead {

// Descriptors that are neither connections nor files being sent: logs, listeners, loops, roots.
inline constexpr std::uint64_t kReservedDescriptors = 128;

// Of them, those by which clients are told that there are no others.
inline constexpr std::size_t kReserveForRefusals = 16;

struct ConnectionLimit {
  std::uint64_t descriptors;
  std::uint64_t downloads;  // at a time that have a descriptor
  std::uint64_t possible;
  std::uint64_t meant;  // by max_connections
};

// Of all services together.
inline std::uint64_t downloads_max(const ServerSettings& settings) noexcept {
  std::uint64_t downloads = 0;
  for (const auto& service : settings.services)
    if (!service->file.root.empty()) downloads += service->file.max_downloads;
  return downloads;
}

// `descriptors`: what RLIMIT_NOFILE allows; every connection is one, and every download, but for
// those that could be had by half of them only: a max_downloads of a million is meant as no limit.
inline ConnectionLimit connection_limit(std::uint64_t descriptors,
                                        const ServerSettings& settings) noexcept {
  const std::uint64_t left =
      descriptors > kReservedDescriptors ? descriptors - kReservedDescriptors : 1;
  const std::uint64_t downloads = std::min(downloads_max(settings), left / 2);
  const std::uint64_t possible = left - downloads;
  const std::uint64_t wanted = settings.limits.max_connections;
  return {.descriptors = descriptors,
          .downloads = downloads,
          .possible = possible,
          .meant = wanted == 0 ? possible : wanted};
}

// The fewest with which so many connections are possible.
inline std::uint64_t descriptors_for(std::uint64_t connections,
                                     const ServerSettings& settings) noexcept {
  return kReservedDescriptors + connections + std::min(downloads_max(settings), connections);
}

}  // namespace fairlead
