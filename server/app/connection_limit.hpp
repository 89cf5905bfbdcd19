// How many connections the descriptors allow.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "server/core/settings.hpp"

namespace fairlead {

// Descriptors that are neither connections nor files being sent: logs, listeners, loops, roots.
inline constexpr std::uint64_t kReservedDescriptors = 128;

// Fewer connections than these are hardly what anybody starts a daemon for.
inline constexpr std::uint64_t kUsefulConnections = 100;

// Part of them: clients are told with these that no others are left.
inline constexpr std::size_t kReserveForRefusals = 16;

struct ConnectionLimit {
  std::uint64_t descriptors;
  std::uint64_t downloads;   // at a time that have a descriptor
  std::uint64_t possible;    // connections at a time that have a descriptor
  std::uint64_t configured;  // what max_connections stands for
};

// All services together.
inline std::uint64_t downloads_max(const ServerSettings& settings) noexcept {
  std::uint64_t downloads = 0;
  for (const auto& service : settings.services)
    if (!service->file.root.empty()) downloads += service->file.max_downloads;
  return downloads;
}

// `descriptors` is what RLIMIT_NOFILE allows. Every connection takes one, and every download, but
// downloads take at most half: a max_downloads of a million means no limit.
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
          .configured = wanted == 0 ? possible : wanted};
}

// The smallest limit of descriptors with which so many connections are possible.
inline std::uint64_t descriptors_for(std::uint64_t connections,
                                     const ServerSettings& settings) noexcept {
  return kReservedDescriptors + connections + std::min(downloads_max(settings), connections);
}

}  // namespace fairlead
