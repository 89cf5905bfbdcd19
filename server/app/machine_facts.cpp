#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "common/base/descriptor.hpp"
#include "common/log/line_file.hpp"
#include "common/text/encoding.hpp"
#include "server/app/control_groups.hpp"
#include "server/app/doctor.hpp"
#include "server/app/listeners.hpp"
#include "server/files/beneath.hpp"

namespace fairlead {
namespace {

namespace fs = std::filesystem;
using enum Finding::Grade;

// ---- /proc and /sys

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

std::optional<std::uint64_t> available_memory() {
  const auto machine = memory_of_machine();
  const auto groups = group_memory_left();
  return machine && groups ? std::min(*machine, *groups) : machine ? machine : groups;
}

// ---- What a start would do

Finding try_address(const ServerSettings& settings, const ListenerSettings& listener,
                    const Endpoint& endpoint) {
  const std::string where = "listener " + listener.name;
  const ListeningOptions options = listening_options(settings, listener);
  const auto tried = try_listening(endpoint, options);
  if (tried) return {ok, where, endpoint.text() + " can be listened at"};
  const ListeningError& why = tried.error();
  if (why.is_of_another_machine() && may_be_left_out(endpoint, listener))
    return {warn, where,
            endpoint.text() +
                " is left out, because this machine has no IPv6; enable it, or "
                "remove the address"};
  if (why.error != EADDRINUSE) return {bad, where, why.what, why.is_permission_denied()};
  const std::string command = endpoint.kind == Endpoint::Kind::tcp ? "`ss -lptn`" : "`ss -lpx`";
  return {warn, where,
          endpoint.text() +
              " is in use: right if this daemon is running, else stop the program "
              "that " +
              command + " shows there, or choose another address"};
}

// 0, or why this user may not do that there.
int access_error(const std::string& path, int wanted) {
  return ::faccessat(AT_FDCWD, path.c_str(), wanted, AT_EACCESS) == 0 ? 0 : errno;
}

Finding unwritable(const std::string& key, const std::string& path, int error) {
  return {bad, key,
          path + ": " + std::generic_category().message(error) +
              "; create the folder, let this user write there, or change " + key,
          error == EACCES || error == EPERM};
}

std::optional<std::uint64_t> free_bytes_at(const std::string& path) {
  std::error_code error;
  const fs::space_info space = fs::space(path, error);
  if (error) return {};
  return space.available;
}

Finding try_file(const std::string& key, const std::string& path) {
  if (standard_descriptor_of(path) >= 0) return writable(key, path, {});
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  const int error = file ? 0 : errno;
  std::error_code ignored;
  if (error == ENXIO && fs::is_fifo(path, ignored))
    return {warn, key,
            path + " is a FIFO that nobody reads, so its lines will be lost; start its reader"};
  if (error == ENOENT) {
    const std::string parent = fs::path(path).parent_path().string();
    const std::string folder = parent.empty() ? "." : parent;
    if (const int denied = access_error(folder, W_OK | X_OK)) return unwritable(key, path, denied);
    return writable(key, path, free_bytes_at(folder));
  }
  if (error != 0) return unwritable(key, path, error);
  const bool is_plain = fs::is_regular_file(path, ignored);
  return writable(key, path, is_plain ? free_bytes_at(path) : std::nullopt);
}

Finding try_folder(const std::string& key, const std::string& path) {
  std::error_code ignored;
  int error = access_error(path, W_OK | X_OK);
  if (error == 0 && !fs::is_directory(path, ignored)) error = ENOTDIR;
  return error == 0 ? writable(key, path, {}) : unwritable(key, path, error);
}

Finding try_root(const ServiceSettings& service) {
  const std::string where = "service " + service.name;
  const std::string& root = service.file.root;
  if (root.empty())
    return {warn, where, "root is not set, so there is no file to send; set its root"};
  const Descriptor folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int error = folder ? access_error(root, R_OK | X_OK) : errno;
  if (error != 0)  // the daemon starts without it
    return {warn, where,
            "root " + root + ": " + std::generic_category().message(error) +
                ", so there is no file to send; create it, let this user read it, or change its "
                "root"};
  return {ok, where, "root " + root + " can be read"};
}

}  // namespace

MachineFacts gather_facts() {
  return {.descriptors_hard = descriptors_max(),
          .somaxconn = number_in("/proc/sys/net/core/somaxconn"),
          .syn_backlog = number_in("/proc/sys/net/ipv4/tcp_max_syn_backlog"),
          .ephemeral_ports = ephemeral_ports(),
          .reserved_ports = reserved_ports(),
          .memory_bytes = available_memory(),
          .has_encodings = open_converters()};
}

std::vector<Finding> try_start(const ServerSettings& settings) {
  std::vector<Finding> findings;
  for (const auto& listener : settings.listeners)
    for (const Endpoint& endpoint : listener->bind)
      findings.push_back(try_address(settings, *listener, endpoint));
  const LogSettings& log = settings.log;
  if (!log.file.empty()) findings.push_back(try_file("log.file", log.file));
  if (!log.session_file.empty()) findings.push_back(try_file("log.session_file", log.session_file));
  if (!settings.run_dir.empty()) findings.push_back(try_folder("server.run_dir", settings.run_dir));
  for (const auto& service : settings.services)
    if (service->type == "file") findings.push_back(try_root(*service));
  if (settings.serves_files())
    if (const std::string why = why_not_confined(); !why.empty())
      findings.push_back({bad, "files", why});
  return findings;
}

}  // namespace fairlead
