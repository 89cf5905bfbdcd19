// fairleadd --doctor: whether this machine is fit for this configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/core/settings.hpp"

namespace fairlead {

struct Finding {
  enum class Grade : std::uint8_t { ok, warn, bad };

  Grade grade = Grade::ok;
  std::string where;
  std::string what;        // what to do included, unless it is ok
  bool is_denied = false;  // because this user may not

  std::string text() const;  // "warn  backlog: ...", one line whatever a path holds
};

struct PortRange {
  std::uint16_t first = 0, last = 0;  // both are in it
};

// Facts about the machine. A fact that could not be found out is empty, and gives no finding.
struct MachineFacts {
  std::uint64_t descriptors_hard = 0;
  std::optional<std::uint64_t> somaxconn, syn_backlog;
  std::optional<PortRange> ephemeral_ports;
  std::vector<PortRange> reserved_ports{};
  std::optional<std::uint64_t> memory_bytes;  // available to this process
  bool has_encodings = false;
};

MachineFacts gather_facts();

// Whether the descriptors are enough. Pure.
Finding examine_descriptors(const ServerSettings& settings, std::uint64_t descriptors_hard);

// Compares the facts with the settings. Pure.
std::vector<Finding> examine(const ServerSettings& settings, const MachineFacts& facts);

// Tries what a start would try, as far as no client of a daemon that runs notices, and leaves
// everything as it was: addresses are bound but not listened at, files are opened but not written.
std::vector<Finding> try_start(const ServerSettings& settings);

// A path that can be written; `free_bytes` are left there, if that is known.
Finding writable(const std::string& key, const std::string& path,
                 std::optional<std::uint64_t> free_bytes);

}  // namespace fairlead
