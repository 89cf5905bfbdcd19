// The addresses that a load test connects from, and whether the machine has enough ports and
// descriptors for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/bench/workload/load.hpp"
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

// The limits of the machine.
struct BenchFacts {
  std::uint64_t descriptors_max = 0;  // RLIMIT_NOFILE, the hard one
  std::uint64_t ports = 0;            // of one source address to one of the server; 0: none needed
  std::uint64_t servers = 1;          // addresses of the server
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
