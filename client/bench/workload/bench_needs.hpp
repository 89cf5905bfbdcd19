// Whether this machine has what a load test needs, in numbers, before it begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/bench/workload/load.hpp"

namespace fairlead {

// What the machine has.
struct BenchFacts {
  std::uint64_t descriptors_max = 0;  // RLIMIT_NOFILE, the hard one
  std::uint64_t ports = 0;            // of one source address to one server; 0: it needs none
  bool is_loopback = false;           // the server is on this machine
};

struct BenchNeed {
  std::string what = {};
  std::uint64_t need = 0;
  std::uint64_t have = 0;
  std::string advice = {};  // what helps where it is not enough, or only just; else empty

  bool suffices() const noexcept { return need <= have; }
};

std::vector<BenchNeed> bench_needs(const Load& load, const BenchFacts& facts);

// "descriptors: needs 20,064, has 1,024: ulimit -n 20064"
std::string need_line(const BenchNeed& need);

}  // namespace fairlead
