// One seed: a shard, tens of clients, a virtual clock, and everything that must hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::sim {

struct Verdict {
  std::vector<std::string> failures;  // empty: clean
  std::uint64_t trace_hash = 0;       // FNV-1a over everything that happened
};

// `prints_trace`: every event goes to stdout.
Verdict run_world(std::uint64_t seed, bool prints_trace);

}  // namespace fairlead::sim
