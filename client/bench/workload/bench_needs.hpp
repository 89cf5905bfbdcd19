// Checks before a load test whether the machine has enough descriptors and ports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/bench/workload/load.hpp"

namespace fairlead {

// The limits of the machine.
struct BenchFacts {
  std::uint64_t descriptors_max = 0;  // RLIMIT_NOFILE, the hard one
  std::uint64_t ports = 0;            // of one source address to one server; 0: it needs none
  bool is_loopback = false;           // the server is on this machine
};

struct BenchNeed {
  std::string what = {};
  std::uint64_t need = 0;
  std::uint64_t have = 0;
  std::string advice = {};  // what helps if it is not, or barely, enough; else empty

  bool suffices() const noexcept { return need <= have; }
};

std::vector<BenchNeed> bench_needs(const Load& load, const BenchFacts& facts);

// "descriptors: needs 20,064, has 1,024: ulimit -n 20064"
std::string need_line(const BenchNeed& need);

}  // namespace fairlead
