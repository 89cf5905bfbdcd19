#include "server/app/machine_facts.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "common/text/encoding.hpp"
#include "server/app/listeners.hpp"

namespace fairlead {
namespace {

namespace fs = std::filesystem;

std::string problem_of(int error) { return std::generic_category().message(error); }

// ---- /proc and /sys

std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  if (file >> number) return number;
  return {};
}

std::optional<PortRange> ephemeral_ports() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  PortRange range;
  if (file >> range.first >> range.last) return range;
  return {};
}

// "8080,9148-9150"
std::vector<PortRange> reserved_ports() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_reserved_ports");
  std::vector<PortRange> ranges;
  for (std::string item; std::getline(file, item, ',');) {
    std::istringstream text(item);
    PortRange range;
    char dash = '\0';
    if (!(text >> range.first)) continue;
    if (!(text >> dash >> range.last)) range.last = range.first;
    ranges.push_back(range);
  }
  return ranges;
}

std::optional<std::uint64_t> memory_of_machine() {
  std::ifstream file("/proc/meminfo");
  for (std::string name; file >> name;) {
    std::uint64_t kibibytes = 0;
    if (name == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
    file.ignore(1000, '\n');
  }
  return {};
}

// What the tightest control group around this process (version 2) has left.
std::optional<std::uint64_t> memory_of_groups() {
  std::ifstream file("/proc/self/cgroup");
  std::optional<std::uint64_t> tightest;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::/")) continue;
    fs::path group = "/sys/fs/cgroup" + line.substr(3);
    for (; group.string().starts_with("/sys/fs/cgroup"); group = group.parent_path()) {
      const auto limit = number_in(group / "memory.max");  // "max": no limit, and no number
      const auto used = number_in(group / "memory.current");
      if (!limit || !used) continue;
      const std::uint64_t left = *limit > *used ? *limit - *used : 0;
      tightest = std::min(tightest.value_or(left), left);
    }
  }
  return tightest;
}

std::optional<std::uint64_t> available_memory() {
  const auto machine = memory_of_machine();
  const auto groups = memory_of_groups();
  return machine && groups ? std::min(*machine, *groups) : machine ? machine : groups;
}

// ---- What a start would do

bool is_in_use(const std::string& problem) {
  return problem.find(std::generic_category().message(EADDRINUSE)) != problem.npos;
}

std::vector<MachineFacts::Address> try_addresses(const ServerSettings& settings) {
  std::vector<MachineFacts::Address> addresses;
  std::vector<ListeningSocket> open;  // until the end, so that two of our own addresses can collide
  for (const auto& listener : settings.listeners) {
    for (const Endpoint& endpoint : listener->bind) {
      const auto opened = open_listening_sockets(endpoint, listening_options(settings, *listener));
      MachineFacts::Address address{.listener = listener->name,
                                    .text = endpoint.text(),
                                    .port = endpoint.port,
                                    .problem = opened.error,
                                    .is_in_use = is_in_use(opened.error)};
      const bool is_ours = std::ranges::any_of(open, [&](const ListeningSocket& other) {
        return endpoint.port != 0 && other.address.port == endpoint.port;
      });
      if (address.is_in_use && is_ours) {
        address.is_in_use = false;
        address.problem += " (another listener of this configuration has it)";
      }
      open.insert(open.end(), opened.sockets.begin(), opened.sockets.end());
      addresses.push_back(std::move(address));
    }
  }
  for (const ListeningSocket& socket : open) close_listening_socket(socket);
  return addresses;
}

std::optional<std::uint64_t> free_bytes_at(const std::string& path) {
  struct statvfs found {};
  if (::statvfs(path.c_str(), &found) != 0) return {};
  return std::uint64_t{found.f_bavail} * found.f_frsize;
}

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

MachineFacts::Path try_file(const char* key, const std::string& path) {
  MachineFacts::Path fact{.key = key, .path = path, .problem = {}};
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat found {};
  if (file >= 0) {
    if (::fstat(file, &found) == 0 && S_ISREG(found.st_mode)) fact.free_bytes = free_bytes_at(path);
    ::close(file);
  } else if (errno == ENOENT) {
    if (::faccessat(AT_FDCWD, folder_of(path).c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
      fact.problem = problem_of(errno);
    } else {
      fact.free_bytes = free_bytes_at(folder_of(path));
    }
  } else if (const int why = errno;
             why == ENXIO && ::stat(path.c_str(), &found) == 0 && S_ISFIFO(found.st_mode)) {
    fact.lacks_reader = true;
  } else {
    fact.problem = problem_of(why);
  }
  return fact;
}

MachineFacts::Path try_folder(const char* key, const std::string& path) {
  MachineFacts::Path fact{.key = key, .path = path, .problem = {}};
  struct stat found {};
  if (::faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    fact.problem = problem_of(errno);
  } else if (::stat(path.c_str(), &found) == 0 && !S_ISDIR(found.st_mode)) {
    fact.problem = problem_of(ENOTDIR);
  }
  return fact;
}

MachineFacts::Root try_root(const ServiceSettings& service) {
  MachineFacts::Root fact{.service = service.name, .path = service.file.root, .problem = {}};
  const int folder = ::open(fact.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    fact.problem = problem_of(errno);
    return fact;
  }
  ::close(folder);
  if (::faccessat(AT_FDCWD, fact.path.c_str(), R_OK | X_OK, AT_EACCESS) != 0)
    fact.problem = problem_of(errno);
  return fact;
}

}  // namespace

MachineFacts gather_facts(const ServerSettings& settings) {
  MachineFacts facts;
  rlimit descriptors{};
  static_cast<void>(::getrlimit(RLIMIT_NOFILE, &descriptors));
  facts.descriptors_hard = descriptors.rlim_max;
  facts.somaxconn = number_in("/proc/sys/net/core/somaxconn");
  facts.syn_backlog = number_in("/proc/sys/net/ipv4/tcp_max_syn_backlog");
  facts.ephemeral_ports = ephemeral_ports();
  facts.reserved_ports = reserved_ports();
  facts.memory_bytes = available_memory();
  facts.has_encodings = open_converters();
  facts.addresses = try_addresses(settings);
  if (!settings.log.file.empty()) facts.paths.push_back(try_file("log.file", settings.log.file));
  if (!settings.log.session_file.empty())
    facts.paths.push_back(try_file("log.session_file", settings.log.session_file));
  if (!settings.run_dir.empty())
    facts.paths.push_back(try_folder("server.run_dir", settings.run_dir));
  for (const auto& service : settings.services) {
    if (service->type == "file") facts.roots.push_back(try_root(*service));
  }
  return facts;
}

}  // namespace fairlead
