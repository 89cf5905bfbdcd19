#include "client/commands/bench/bench_machine.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <ctime>
#include <fstream>

#include "common/base/descriptor.hpp"

namespace fairlead {
namespace {

BenchDuration duration_of(const timespec& time) noexcept {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

BenchDuration read(clockid_t clock) noexcept {
  timespec time{};
  ::clock_gettime(clock, &time);
  return duration_of(time);
}

bool is_loopback(const PeerAddress& address) {
  return address.family == PeerAddress::Family::ipv4 ? address.ip[0] == 127
                                                     : address.ip_text() == "::1";
}

}  // namespace

BenchFacts bench_facts(std::span<const Destination> servers) {
  BenchFacts facts{.descriptors_max = descriptors_max()};
  const PeerAddress& first = servers.front().address;
  if (first.family == PeerAddress::Family::unix_socket) return facts;
  facts.is_loopback = is_loopback(first);
  facts.servers = servers.size();
  std::uint64_t from = 0, to = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> from >> to;
  facts.ports = to - from + (to > 0 ? 1 : 0);
  return facts;
}

ThreadUse thread_use(const ThreadUse& before) {
  std::uint64_t ran_ns = 0, waited_ns = 0;
  std::ifstream("/proc/thread-self/schedstat") >> ran_ns >> waited_ns;
  return {.cpu_seconds = seconds(read(CLOCK_THREAD_CPUTIME_ID)) - before.cpu_seconds,
          .starved_seconds = seconds(std::chrono::nanoseconds(waited_ns)) - before.starved_seconds,
          .wall_seconds = seconds(read(CLOCK_MONOTONIC)) - before.wall_seconds};
}

std::optional<BenchDuration> process_cpu(pid_t pid) noexcept {
  clockid_t clock{};
  if (::clock_getcpuclockid(pid, &clock) != 0) return {};
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return {};
  return duration_of(time);
}

std::chrono::duration<double, std::milli> clock_offset() noexcept {
  return read(CLOCK_REALTIME) - read(CLOCK_MONOTONIC);
}

void wake_on_time() noexcept { static_cast<void>(::prctl(PR_SET_TIMERSLACK, 1UL)); }

}  // namespace fairlead
