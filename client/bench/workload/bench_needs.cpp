#include "client/bench/workload/bench_needs.hpp"

#include <algorithm>
#include <cmath>

#include "client/bench/workload/source_addresses.hpp"

namespace fairlead {
namespace {

// Loops, timers, signals, output.
constexpr std::uint64_t kOwnDescriptors = 32, kDescriptorsOfThread = 8;
// Of a connection that we have ended, its port is not used again for so long (TIME_WAIT); on
// loopback the kernel is content with a second (tcp_tw_reuse = 2, its default).
constexpr double kTimeWaitSeconds = 60, kTimeWaitOfLoopback = 1;

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

BenchNeed descriptors(const Load& load, const BenchFacts& facts) {
  BenchNeed need{.what = "descriptors",
                 .need = load.connections + kOwnDescriptors + kDescriptorsOfThread * load.threads,
                 .have = facts.descriptors_max};
  if (!need.suffices()) need.advice = "ulimit -n " + std::to_string(need.need);
  return need;
}

// How many connections of ours, living and just dead, there are at a time.
std::uint64_t connections_at_a_time(const Load& load, const BenchFacts& facts) {
  const bool connects_each = load.mode == BenchMode::conn || load.mode == BenchMode::greet;
  if (!connects_each) return load.connections;
  double fastest = 0;
  for (const Stage& stage : load.stages) fastest = std::max(fastest, stage.rate);
  const double dead = fastest * (facts.is_loopback ? kTimeWaitOfLoopback : kTimeWaitSeconds);
  return load.connections + static_cast<std::uint64_t>(std::ceil(dead));
}

BenchNeed ports(const Load& load, const BenchFacts& facts) {
  const std::uint64_t sources = SourceAddresses(load.sources).count();
  BenchNeed need{.what = "ports of each source address",
                 .need = (connections_at_a_time(load, facts) + sources - 1) / sources,
                 .have = facts.ports};
  // The kernel looks for a free one by trying, and first leaves every second one to others.
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

std::string need_line(const BenchNeed& need) {
  const std::string line =
      need.what + ": needs " + with_commas(need.need) + ", has " + with_commas(need.have);
  return need.advice.empty() ? line : line + ": " + need.advice;
}

}  // namespace fairlead
