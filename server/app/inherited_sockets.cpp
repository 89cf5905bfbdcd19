#include "server/app/inherited_sockets.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "common/io/listening_socket.hpp"

namespace fairlead {
namespace {

constexpr int kFirstDescriptor = 3;
constexpr int kSocketsMax = 10'000;  // far beyond what anybody passes

std::string take_variable(const char* name) {
  const char* const value = ::getenv(name);
  std::string taken = value == nullptr ? "" : value;
  ::unsetenv(name);
  return taken;
}

std::optional<int> number_in(std::string_view text) {
  int number = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || last != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(':', begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

tl::unexpected<Failure> wrong(const std::string& what) {
  return failure("the sockets that were passed cannot be taken: " + what +
                 "; correct the program that starts fairleadd, or unset LISTEN_PID");
}

std::string_view without_zone(std::string_view host) { return host.substr(0, host.find('%')); }

// Whether a socket at `address` is what listening at `bound`, which is numeric, would give, the
// ports left aside.
bool is_same_place(const Endpoint& bound, const Endpoint& address) {
  if (bound.kind != address.kind) return false;
  if (bound.kind == Endpoint::Kind::unix_socket) return bound.path == address.path;
  if (bound.host.empty()) return address.host == "::" || address.host == "0.0.0.0";
  return without_zone(bound.host) == without_zone(address.host);
}

class Planner {
 public:
  Planner(const ServerSettings& settings, const InheritedSockets& sockets, const Resolve& resolve)
      : settings_(settings), sockets_(sockets) {
    for (const auto& listener : settings.listeners) {
      auto& addresses = addresses_.emplace_back();
      for (const Endpoint& bound : listener->bind) addresses.push_back(resolve(bound));
    }
  }

  InheritancePlan plan() {
    for (const InheritedSocket& socket : sockets_)
      plan_.listener_of.push_back(socket.address ? listener_for(socket) : nullptr);
    // Before an address with port 0 takes one of them.
    for (std::size_t i = 0; i < addresses_.size(); ++i)
      for (const auto& addresses : addresses_[i])
        for (const Endpoint& bound : addresses) take(i, bound, bound.port);
    for (std::size_t i = 0; i < addresses_.size(); ++i) plan_.to_open.push_back(missing_of(i));
    return std::move(plan_);
  }

 private:
  const ListenerSettings* listener_for(const InheritedSocket& socket) const {
    if (const auto* listener = settings_.listener_named(socket.name)) return listener;
    for (std::size_t i = 0; i < addresses_.size(); ++i)
      for (const auto& addresses : addresses_[i])
        for (const Endpoint& bound : addresses)
          if (is_same_place(bound, *socket.address) && bound.port == socket.address->port)
            return settings_.listeners[i].get();
    return nullptr;
  }

  // Whether sockets of that listener stand for `bound`. With accept = reuseport there are several.
  bool take(std::size_t listener, const Endpoint& bound, std::uint16_t port) {
    bool is_there = false;
    for (std::size_t k = 0; k < sockets_.size(); ++k) {
      if (plan_.listener_of[k] != settings_.listeners[listener].get()) continue;
      const Endpoint& address = *sockets_[k].address;
      if (!is_same_place(bound, address) || address.port != port) continue;
      taken_.insert(k);
      is_there = true;
    }
    return is_there;
  }

  bool take_any_port(std::size_t listener, const Endpoint& bound) {
    if (bound.kind != Endpoint::Kind::tcp || bound.port != 0) return false;
    for (std::size_t k = 0; k < sockets_.size(); ++k) {
      const bool is_ours = plan_.listener_of[k] == settings_.listeners[listener].get();
      if (is_ours && !taken_.contains(k) && is_same_place(bound, *sockets_[k].address))
        return take(listener, bound, sockets_[k].address->port);
    }
    return false;
  }

  std::vector<Endpoint> missing_of(std::size_t listener) {
    std::vector<Endpoint> all;
    for (std::size_t k = 0; k < addresses_[listener].size(); ++k) {
      std::vector<Endpoint> missing;
      for (const Endpoint& bound : addresses_[listener][k])
        if (!take(listener, bound, bound.port) && !take_any_port(listener, bound))
          missing.push_back(bound);
      // As it would be opened if no socket had been passed.
      if (missing.size() == addresses_[listener][k].size())
        missing = {settings_.listeners[listener]->bind[k]};
      all.insert(all.end(), missing.begin(), missing.end());
    }
    return all;
  }

  const ServerSettings& settings_;
  const InheritedSockets& sockets_;
  std::vector<std::vector<std::vector<Endpoint>>> addresses_;  // of each `bind` of each listener
  InheritancePlan plan_;
  std::set<std::size_t> taken_;  // the sockets that stand for an address
};

}  // namespace

Outcome<std::vector<std::string>> inherited_names(const ListenVariables& variables, pid_t own) {
  if (variables.pid.empty() || number_in(variables.pid) != own) return {};
  const std::optional<int> count = number_in(variables.descriptors);
  if (!count || *count < 0 || *count > kSocketsMax)
    return wrong("LISTEN_FDS is \"" + variables.descriptors + "\", which is no number of them");
  const auto size = static_cast<std::size_t>(*count);
  if (variables.names.empty()) return std::vector<std::string>(size);
  std::vector<std::string> names = split(variables.names);
  if (names.size() != size)
    return wrong("LISTEN_FDS says " + std::to_string(size) + ", and LISTEN_FDNAMES names " +
                 std::to_string(names.size()));
  return names;
}

std::string origins_text(const std::vector<std::optional<OpenedByOlder>>& origins) {
  std::string text;
  for (const auto& origin : origins) {
    text += !origin ? "-"
                    : std::to_string(origin->device) + ' ' + std::to_string(origin->inode) + ' ' +
                          origin->written.text();
    text += '\n';
  }
  return text;
}

std::optional<std::vector<std::optional<OpenedByOlder>>> read_origins(const std::string& text) {
  std::vector<std::optional<OpenedByOlder>> origins;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto& origin = origins.emplace_back();
    if (line == "-") continue;
    std::istringstream words(line);
    std::string address;
    origin.emplace();
    if (!(words >> origin->device >> origin->inode) || words.get() != ' ' ||
        !std::getline(words, address))
      return std::nullopt;
    const auto written = parse_endpoint(address);
    if (!written) return std::nullopt;
    origin->written = *written;
  }
  return origins;
}

Outcome<InheritedSockets> take_inherited_sockets() {
  const ListenVariables variables{.pid = take_variable(kListenPid),
                                  .descriptors = take_variable(kListenDescriptors),
                                  .names = take_variable(kListenNames),
                                  .origins = take_variable(kListenOrigins)};
  auto names = inherited_names(variables, ::getpid());
  if (!names) return tl::unexpected(names.error());
  const bool is_upgrade = !variables.origins.empty();
  auto origins = read_origins(variables.origins);
  if (is_upgrade && (!origins || origins->size() != names->size()))
    return wrong(std::string(kListenOrigins) + " does not fit them");
  InheritedSockets sockets;
  int number = kFirstDescriptor;
  for (std::string& name : *names) {
    const int flags = ::fcntl(number, F_GETFL);
    if (flags < 0) return wrong("descriptor " + std::to_string(number) + " is not open");
    static_cast<void>(::fcntl(number, F_SETFD, FD_CLOEXEC));
    static_cast<void>(::fcntl(number, F_SETFL, flags | O_NONBLOCK));
    sockets.push_back({.descriptor = Descriptor(number),
                       .name = std::move(name),
                       .address = listening_address(number),
                       .is_lent = is_upgrade});
    if (is_upgrade) sockets.back().older = std::move((*origins)[sockets.size() - 1]);
    ++number;
  }
  return sockets;
}

InheritancePlan plan_inheritance(const ServerSettings& settings, const InheritedSockets& sockets,
                                 const Resolve& resolve) {
  if (!sockets.empty()) return Planner(settings, sockets, resolve).plan();
  InheritancePlan plan;
  for (const auto& listener : settings.listeners) plan.to_open.push_back(listener->bind);
  return plan;
}

}  // namespace fairlead
