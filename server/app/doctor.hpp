// fairleadd --doctor: whether this machine is fit for this configuration. Pure: facts about the
// machine in (machine_facts.hpp), findings out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/core/settings.hpp"

namespace fairlead {

struct PortRange {
  std::uint16_t first = 0, last = 0;  // both are in it
};

// Facts about the machine. A fact that could not be found out is empty, and gives no finding.
struct MachineFacts {
  // One address of a listener, tried.
  struct Address {
    std::string listener;
    std::string text;
    std::uint16_t port = 0;  // 0: any, or a unix socket
    std::string problem;     // why it cannot be listened at, and what to do; empty: it can
    bool is_in_use = false;  // by another process, which may be this daemon
  };

  // A file or a folder that will be written.
  struct Path {
    std::string key;  // "log.file"
    std::string path;
    std::string problem;  // empty: it can be written
    std::optional<std::uint64_t> free_bytes{};
    bool lacks_reader = false;  // a FIFO
  };

  // The root of a service of type file.
  struct Root {
    std::string service;
    std::string path;  // empty: none is set
    std::string problem;
  };

  std::uint64_t descriptors_hard = 0;
  std::optional<std::uint64_t> somaxconn, syn_backlog;
  std::optional<PortRange> ephemeral_ports;
  std::vector<PortRange> reserved_ports{};
  std::optional<std::uint64_t> memory_bytes;  // available to this process
  bool has_encodings = false;
  std::vector<Address> addresses{};
  std::vector<Path> paths{};
  std::vector<Root> roots{};
};

struct Finding {
  enum class Grade : std::uint8_t { ok, warn, bad };

  Grade grade = Grade::ok;
  std::string where;
  std::string what;  // what to do included, unless it is ok

  std::string text() const;  // "warn  backlog: ...", one line whatever a path holds
};

std::vector<Finding> examine(const ServerSettings& settings, const MachineFacts& facts);

bool is_fit(const std::vector<Finding>& findings);  // none is bad

}  // namespace fairlead
