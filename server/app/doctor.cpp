#include "server/app/doctor.hpp"

#include <algorithm>
#include <set>

#include "common/text/escape.hpp"
#include "server/app/connection_limit.hpp"

namespace fairlead {
namespace {

using enum Finding::Grade;

// An idle session: the daemon's part and the kernel's (docs/performance.md), rounded up.
constexpr std::uint64_t kSessionBytes = 6 * 1024;

// `max_connections = auto` follows the descriptors. Fewer connections than these are rarely wanted.
constexpr std::uint64_t kFewConnections = 4096;

// With fewer free bytes than these a log is full within a day of some traffic.
constexpr std::uint64_t kLittleRoom = 256ULL << 20;

std::string count(std::uint64_t number) { return std::to_string(number); }

// "1.5 GiB", "12 MiB": to be read, not to be computed with.
std::string bytes_text(std::uint64_t bytes) {
  constexpr std::uint64_t kMiB = 1 << 20, kGiB = 1 << 30;
  if (bytes < 10 * kGiB) return count((bytes + kMiB - 1) / kMiB) + " MiB";
  return count(bytes / kGiB) + " GiB";
}

Finding memory(const ServerSettings& settings, std::uint64_t connections, std::uint64_t available) {
  const std::uint64_t idle = connections * kSessionBytes;
  const std::uint64_t queues = settings.limits.max_buffer_memory;
  const std::string needed = count(connections) + " idle sessions take " + bytes_text(idle) +
                             ", their queues up to " + bytes_text(queues) +
                             " (limits.max_buffer_memory), " + bytes_text(available) +
                             " are available";
  if (idle > available)
    return {bad, "memory",
            needed + "; lower limits.max_connections to " + count(available / 2 / kSessionBytes) +
                " or add memory"};
  if (idle + queues > available)
    return {warn, "memory",
            needed + "; lower limits.max_connections or limits.max_buffer_memory, or add memory"};
  return {ok, "memory", needed};
}

Finding backlog(const char* where, std::uint64_t have, std::uint64_t wanted,
                const std::string& name, const std::string& effect) {
  const std::string fact = name + " is " + count(have) + ", socket.backlog is " + count(wanted);
  if (have >= wanted) return {ok, where, fact};
  return {warn, where,
          fact + ": " + effect + "; sysctl -w " + name + "=" + count(wanted) +
              ", or lower socket.backlog"};
}

Finding encodings(bool are_there) {
  if (are_there) return {ok, "encodings", "GBK and GB18030 are there"};
  return {bad, "encodings",
          "iconv knows no GBK or GB18030, so such clients are not understood; install glibc's "
          "gconv modules (Debian: package libc6)"};
}

// An outgoing connection may use such a port at the moment the daemon starts.
void add_ephemeral_ports(std::vector<Finding>& findings, const ServerSettings& settings,
                         const PortRange& range, const std::vector<PortRange>& reserved) {
  std::set<std::uint16_t> reported;
  for (const auto& listener : settings.listeners) {
    for (const Endpoint& endpoint : listener->bind) {
      const std::uint16_t port = endpoint.port;
      const auto contains = [port](const PortRange& ports) {
        return ports.first <= port && port <= ports.last;
      };
      if (port == 0 || !contains(range) || std::ranges::any_of(reserved, contains)) continue;
      if (!reported.insert(port).second) continue;
      findings.push_back(
          {warn, "listener " + listener->name,
           "port " + count(port) + " lies within net.ipv4.ip_local_port_range (" +
               count(range.first) + " to " + count(range.last) +
               "), so any program may have it when the daemon starts; choose another port, or "
               "sysctl -w net.ipv4.ip_local_reserved_ports=" +
               count(port)});
    }
  }
}

}  // namespace

std::string Finding::text() const {
  constexpr std::string_view kGrades[] = {"ok    ", "warn  ", "bad   "};
  std::string line(kGrades[static_cast<std::size_t>(grade)]);
  append_escaped(line, where + ": " + what);
  return line;
}

// The daemon raises the soft limit to the hard one.
Finding examine_descriptors(const ServerSettings& settings, std::uint64_t descriptors_hard) {
  const ConnectionLimit limit = connection_limit(descriptors_hard, settings);
  const std::string downloads =
      limit.downloads == 0 ? "" : " and " + count(limit.downloads) + " downloads";
  const std::string room = "RLIMIT_NOFILE " + count(limit.descriptors) +
                           " (hard) leaves room for " + count(limit.possible) + " connections" +
                           downloads;
  const auto raise = [&settings](std::uint64_t connections) {
    return "; raise LimitNOFILE= of the unit or `ulimit -Hn` to " +
           count(descriptors_for(connections, settings));
  };
  if (limit.configured > limit.possible)
    return {bad, "descriptors",
            room + ", limits.max_connections wants " + count(limit.configured) +
                raise(limit.configured) + ", or lower limits.max_connections"};
  if (settings.limits.max_connections == 0 && limit.possible < kFewConnections)
    return {warn, "descriptors",
            room + ", which is all that limits.max_connections = auto gives" +
                raise(2 * kFewConnections)};
  return {ok, "descriptors", room + ", limits.max_connections is " + count(limit.configured)};
}

std::vector<Finding> examine(const ServerSettings& settings, const MachineFacts& facts) {
  const ConnectionLimit limit = connection_limit(facts.descriptors_hard, settings);
  std::vector<Finding> findings{examine_descriptors(settings, facts.descriptors_hard)};
  if (facts.memory_bytes)
    findings.push_back(
        memory(settings, std::min(limit.configured, limit.possible), *facts.memory_bytes));
  if (facts.ephemeral_ports)
    add_ephemeral_ports(findings, settings, *facts.ephemeral_ports, facts.reserved_ports);
  const std::uint64_t wanted = settings.socket.backlog;
  if (facts.somaxconn)
    findings.push_back(backlog("backlog", *facts.somaxconn, wanted, "net.core.somaxconn",
                               "the kernel keeps no more than that until they are accepted"));
  if (facts.syn_backlog)
    findings.push_back(backlog("syn backlog", *facts.syn_backlog, wanted,
                               "net.ipv4.tcp_max_syn_backlog",
                               "in a burst of new clients some wait a second or more"));
  findings.push_back(encodings(facts.has_encodings));
  return findings;
}

Finding writable(const std::string& key, const std::string& path,
                 std::optional<std::uint64_t> free_bytes) {
  if (!free_bytes) return {ok, key, path + " can be written"};
  const std::string room = bytes_text(*free_bytes);
  if (*free_bytes < kLittleRoom)
    return {warn, key,
            path + " has " + room + " left; make room, for lines are lost on a full disk"};
  return {ok, key, path + " can be written, " + room + " are free"};
}

}  // namespace fairlead
