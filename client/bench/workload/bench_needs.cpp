#include "client/bench/workload/bench_needs.hpp"

#include <algorithm>
#include <cmath>

#include "client/bench/stats/figures.hpp"

namespace fairlead {
namespace {

// For loops, timers, signals and output.
constexpr std::uint64_t kOwnDescriptors = 32, kDescriptorsOfThread = 8;
// How long the port of a closed connection stays in use (TIME_WAIT). On loopback the kernel reuses
// it after a second (tcp_tw_reuse = 2, its default).
constexpr double kTimeWaitSeconds = 60, kTimeWaitOfLoopback = 1;

BenchNeed descriptors(const Load& load, const BenchFacts& facts) {
  BenchNeed need{.what = "descriptors",
                 .need = load.connections + kOwnDescriptors + kDescriptorsOfThread * load.threads,
                 .have = facts.descriptors_max};
  if (!need.suffices()) need.advice = "ulimit -n " + std::to_string(need.need);
  return need;
}

// Connections at a time, open or in TIME_WAIT.
std::uint64_t connections_at_a_time(const Load& load, const BenchFacts& facts) {
  const bool connects_each = load.mode == BenchMode::conn || load.mode == BenchMode::greet;
  if (!connects_each) return load.connections;
  double fastest = 0;
  for (const Stage& stage : load.stages) fastest = std::max(fastest, stage.rate_max());
  const double dead = fastest * (facts.is_loopback ? kTimeWaitOfLoopback : kTimeWaitSeconds);
  return load.connections + static_cast<std::uint64_t>(std::ceil(dead));
}

BenchNeed ports(const Load& load, const BenchFacts& facts) {
  const std::uint64_t pairs = SourceAddresses(load.sources).count() * facts.servers;
  BenchNeed need{.what = "ports of each source address",
                 .need = (connections_at_a_time(load, facts) + pairs - 1) / pairs,
                 .have = facts.ports};
  // The kernel searches for a free port by trial, and avoids every second port at first.
  const bool is_only_just = need.need > need.have / 2;
  if (!need.suffices()) {
    need.advice = "--source with a network, or a wider net.ipv4.ip_local_port_range";
  } else if (is_only_just) {
    need.advice = "above half of them connecting is slow; --source with a network helps";
  }
  return need;
}

}  // namespace

std::vector<BenchNeed> bench_needs(const Load& load, const BenchFacts& facts) {
  std::vector<BenchNeed> needs{descriptors(load, facts)};
  if (facts.ports > 0) needs.push_back(ports(load, facts));
  return needs;
}

SourceAddresses::SourceAddresses(const std::optional<AddressBlock>& block) noexcept {
  if (!block) return;
  const bool is_v4 = block->family == PeerAddress::Family::ipv4;
  const unsigned free_bits = (is_v4 ? 32U : 128U) - block->prefix_bits;
  count_ = std::uint64_t{1} << std::min(free_bits, 32U);
  first_ = PeerAddress{.ip = block->ip, .port = 0, .family = block->family};
  if (!is_v4 || free_bits < 2) return;
  first_ = at(1);
  count_ -= 2;
}

std::optional<PeerAddress> SourceAddresses::at(std::uint64_t index) const noexcept {
  if (!first_) return {};
  PeerAddress result = *first_;
  std::uint64_t carry = index % count_;
  const std::size_t bytes = result.family == PeerAddress::Family::ipv4 ? 4 : 16;
  for (std::size_t i = bytes; i-- > 0 && carry > 0; carry >>= 8) {
    carry += result.ip[i];
    result.ip[i] = static_cast<std::uint8_t>(carry);
  }
  return result;
}

std::string need_line(const BenchNeed& need) {
  const std::string line =
      need.what + ": needs " + count_figure(need.need) + ", has " + count_figure(need.have);
  return need.advice.empty() ? line : line + ": " + need.advice;
}

}  // namespace fairlead
