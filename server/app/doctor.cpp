#include "server/app/doctor.hpp"

#include <algorithm>
#include <utility>

#include "common/text/escape.hpp"
#include "server/app/connection_limit.hpp"

namespace fairlead {
namespace {

using Grade = Finding::Grade;

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

class Examination {
 public:
  Examination(const ServerSettings& settings, const MachineFacts& facts)
      : settings_(settings),
        facts_(facts),
        connections_(connection_limit(facts.descriptors_hard, settings)) {}

  std::vector<Finding> findings() {
    descriptors();
    memory();
    for (const auto& address : facts_.addresses) listening(address);
    ephemeral_ports();
    backlog();
    encodings();
    for (const auto& path : facts_.paths) writable(path);
    for (const auto& root : facts_.roots) readable(root);
    return std::move(findings_);
  }

 private:
  void found(Grade grade, std::string where, std::string what) {
    findings_.push_back({grade, std::move(where), std::move(what)});
  }

  // The daemon raises the soft limit to the hard one.
  void descriptors() {
    const std::string room = "RLIMIT_NOFILE " + count(facts_.descriptors_hard) +
                             " (hard) leaves room for " + count(connections_.possible) +
                             " connections" + beside_downloads();
    const auto raise = [this](std::uint64_t connections) {
      return "; raise LimitNOFILE= of the unit or `ulimit -Hn` to " +
             count(descriptors_for(connections, settings_));
    };
    if (connections_.configured > connections_.possible) {
      found(Grade::bad, "descriptors",
            room + ", limits.max_connections wants " + count(connections_.configured) +
                raise(connections_.configured) + ", or lower limits.max_connections");
    } else if (settings_.limits.max_connections == 0 && connections_.possible < kFewConnections) {
      found(Grade::warn, "descriptors",
            room + ", which is all that limits.max_connections = auto gives" +
                raise(2 * kFewConnections));
    } else {
      found(Grade::ok, "descriptors",
            room + ", limits.max_connections is " + count(connections_.configured));
    }
  }

  std::string beside_downloads() const {
    return connections_.downloads == 0 ? ""
                                       : " and " + count(connections_.downloads) + " downloads";
  }

  std::uint64_t connections() const {
    return std::min(connections_.configured, connections_.possible);
  }

  void memory() {
    if (!facts_.memory_bytes) return;
    const std::uint64_t idle = connections() * kSessionBytes;
    const std::uint64_t queues = settings_.limits.max_buffer_memory;
    const std::string needed = count(connections()) + " idle sessions take " + bytes_text(idle) +
                               ", their queues up to " + bytes_text(queues) + " (" +
                               "limits.max_buffer_memory), " + bytes_text(*facts_.memory_bytes) +
                               " are available";
    if (idle > *facts_.memory_bytes) {
      found(Grade::bad, "memory",
            needed + "; lower limits.max_connections to " +
                count(*facts_.memory_bytes / 2 / kSessionBytes) + " or add memory");
    } else if (idle + queues > *facts_.memory_bytes) {
      found(Grade::warn, "memory",
            needed + "; lower limits.max_connections or limits.max_buffer_memory, or add memory");
    } else {
      found(Grade::ok, "memory", needed);
    }
  }

  void listening(const MachineFacts::Address& address) {
    const std::string where = "listener " + address.listener;
    if (address.is_in_use) {
      const std::string command = address.port != 0 ? "`ss -lptn`" : "`ss -lpx`";
      found(Grade::warn, where,
            address.text +
                " is in use: right if this daemon is running, else stop the program that " +
                command + " shows there, or choose another address");
    } else if (!address.problem.empty()) {
      found(Grade::bad, where, address.problem);
    } else {
      found(Grade::ok, where, address.text + " can be listened at");
    }
  }

  // An outgoing connection may use such a port at the moment the daemon starts.
  void ephemeral_ports() {
    if (!facts_.ephemeral_ports) return;
    const auto contains = [](const PortRange& range, std::uint16_t port) {
      return range.first <= port && port <= range.last;
    };
    const PortRange range = *facts_.ephemeral_ports;
    std::vector<std::uint16_t> reported;
    for (const auto& address : facts_.addresses) {
      const std::uint16_t port = address.port;
      const bool reserved = std::ranges::any_of(
          facts_.reserved_ports, [&](const PortRange& kept) { return contains(kept, port); });
      if (port == 0 || reserved || !contains(range, port)) continue;
      if (std::ranges::count(reported, port) != 0) continue;
      reported.push_back(port);
      found(Grade::warn, "listener " + address.listener,
            "port " + count(port) + " lies within net.ipv4.ip_local_port_range (" +
                count(range.first) + " to " + count(range.last) +
                "), so any program may have it when the daemon starts; choose another port, or "
                "sysctl -w net.ipv4.ip_local_reserved_ports=" +
                count(port));
    }
  }

  void backlog() {
    const std::uint64_t wanted = settings_.socket.backlog;
    const auto compare = [&](const char* where, const std::optional<std::uint64_t>& have,
                             const std::string& name, const std::string& effect) {
      if (!have) return;
      const std::string fact =
          name + " is " + count(*have) + ", socket.backlog is " + count(wanted);
      if (*have >= wanted) return found(Grade::ok, where, fact);
      found(Grade::warn, where,
            fact + ": " + effect + "; sysctl -w " + name + "=" + count(wanted) +
                ", or lower socket.backlog");
    };
    compare("backlog", facts_.somaxconn, "net.core.somaxconn",
            "the kernel keeps no more than that until they are accepted");
    compare("syn backlog", facts_.syn_backlog, "net.ipv4.tcp_max_syn_backlog",
            "in a burst of new clients some wait a second or more");
  }

  void encodings() {
    if (facts_.has_encodings) return found(Grade::ok, "encodings", "GBK and GB18030 are there");
    found(
        Grade::bad, "encodings",
        "iconv knows no GBK or GB18030, so such clients are not understood; install glibc's gconv "
        "modules (Debian: package libc6)");
  }

  void writable(const MachineFacts::Path& path) {
    if (!path.problem.empty()) {
      found(Grade::bad, path.key,
            path.path + ": " + path.problem +
                "; create the folder, let this user write there, or change " + path.key);
    } else if (path.lacks_reader) {
      found(
          Grade::warn, path.key,
          path.path + " is a FIFO that nobody reads, so its lines will be lost; start its reader");
    } else if (path.free_bytes.value_or(kLittleRoom) < kLittleRoom) {
      found(Grade::warn, path.key,
            path.path + " has " + bytes_text(*path.free_bytes) +
                " left; make room, for lines are lost on a full disk");
    } else {
      found(Grade::ok, path.key,
            path.path + " can be written" +
                (path.free_bytes ? ", " + bytes_text(*path.free_bytes) + " are free" : ""));
    }
  }

  void readable(const MachineFacts::Root& root) {
    const std::string where = "service " + root.service;
    if (root.path.empty()) {
      found(Grade::warn, where, "root is not set, so there is no file to send; set its root");
    } else if (!root.problem.empty()) {
      found(Grade::bad, where,
            "root " + root.path + ": " + root.problem +
                "; create it, let this user read it, or change its root");
    } else {
      found(Grade::ok, where, "root " + root.path + " can be read");
    }
  }

  const ServerSettings& settings_;
  const MachineFacts& facts_;
  const ConnectionLimit connections_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string Finding::text() const {
  constexpr std::string_view kGrades[] = {"ok    ", "warn  ", "bad   "};
  std::string line(kGrades[static_cast<std::size_t>(grade)]);
  append_escaped(line, where + ": " + what);
  return line;
}

std::vector<Finding> examine(const ServerSettings& settings, const MachineFacts& facts) {
  return Examination(settings, facts).findings();
}

bool is_fit(const std::vector<Finding>& findings) {
  return std::ranges::none_of(
      findings, [](const Finding& finding) { return finding.grade == Finding::Grade::bad; });
}

}  // namespace fairlead
