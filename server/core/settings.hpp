// What the configuration means, as plain values: the core, the services and the shells read these
// and never a file. Filled by server/app/server_config from the key table; every default stands in
// that table, not here. The daemon shares them as immutable, numbered snapshots: whoever needs one
// beyond a call keeps it. Sections refer to each other by name.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.hpp"
#include "common/net/endpoint.hpp"
#include "server/api/service_settings.hpp"

namespace fairlead {

enum class ListenerProtocol : std::uint8_t { automatic, text, len32, framed };
enum class AcceptMode : std::uint8_t { shared, reuseport };
enum class UpgradeMode : std::uint8_t { sessions, listeners };

// The longest matching prefix decides, deny on a tie; an address that neither names is admitted.
struct AccessSettings {
  std::vector<AddressBlock> allow, deny;
};

struct ListenerSettings {
  std::string name;
  std::vector<Endpoint> bind;
  ListenerProtocol protocol = ListenerProtocol::automatic;
  std::string default_service;  // its name; empty: only framed clients, which name theirs
  std::vector<std::string> offered_services;  // what a framed client may OPEN here, by name
  std::optional<Duration> idle;               // 0: none; nothing: timeouts.idle of now
  Duration greet_wait{};
  std::uint32_t unix_mode = 0;  // permission bits of a unix socket
  // Its own limits; the daemon's hold beside them.
  std::uint64_t max_connections = 0;  // 0: none
  std::uint64_t max_message = 0;      // bytes; 0: none
  AccessSettings access;
};

struct TimeoutSettings {  // 0: none
  Duration idle{}, first_byte{}, message{}, write{}, linger{}, drain{}, lame_duck{}, upgrade{},
      upgrade_drain{};
};

struct LimitSettings {
  std::uint64_t max_connections = 0;  // 0: auto, from RLIMIT_NOFILE
  std::uint64_t max_per_ip = 0, ip_prefix_v4 = 32, ip_prefix_v6 = 64;
  std::uint64_t accept_rate = 0, accept_rate_per_ip = 0, early_drop = 0;
  std::uint64_t max_message = 0;        // bytes; < 16 MiB
  std::uint64_t queue_soft = 0;         // bytes
  std::uint64_t max_buffer_memory = 0;  // bytes, all shards together
  std::uint64_t requests_per_turn = 0;
};

struct SocketSettings {
  std::uint32_t backlog = 0;
  bool reuse_address = true;
  bool nodelay = true;
  Duration keepalive{};                  // 0: off
  std::optional<Duration> user_timeout;  // 0: off; nothing: auto, see user_timeout()
  std::uint64_t notsent_lowat = 0, send_buffer = 0, receive_buffer = 0;  // bytes; 0: the kernel's
};

struct LogSettings {
  std::string level;  // debug info warn error off
  bool json = false;
  std::string file, session_file;  // empty: stderr
  std::uint64_t repeats = 0;       // 0: no limit
  bool empty_sessions = true;
  PeerDetail peer = PeerDetail::full;
};

struct ServerSettings {
  std::uint64_t version = 1;  // 1 at the start; each reload makes the next one
  std::string name;
  std::uint32_t threads = 0;  // resolved: never 0
  AcceptMode accept = AcceptMode::shared;
  UpgradeMode upgrade = UpgradeMode::sessions;
  std::string run_dir;
  LimitSettings limits;
  TimeoutSettings timeouts;
  SocketSettings socket;
  LogSettings log;
  AccessSettings access;
  std::vector<std::unique_ptr<ServiceSettings>>
      services;  // in the order of the file; addresses are stable
  std::vector<std::unique_ptr<ListenerSettings>> listeners;

  bool serves_files() const noexcept {
    return std::any_of(services.begin(), services.end(),
                       [](const auto& service) { return !service->file.root.empty(); });
  }

  // TCP_USER_TIMEOUT of a connection (tcp(7)); 0: off. Under `auto` the daemon's own limit comes
  // first and can say why; without that limit the kernel has none either.
  Duration user_timeout() const noexcept {
    if (socket.user_timeout) return *socket.user_timeout;
    const bool is_off = timeouts.write == Duration::zero();
    return is_off ? timeouts.write : timeouts.write + kUserTimeoutBeyondWrite;
  }

  // What clients of a listener may send at most, in bytes.
  std::uint64_t message_bytes_max(const ListenerSettings& listener) const noexcept {
    return listener.max_message == 0 ? limits.max_message
                                     : std::min(limits.max_message, listener.max_message);
  }

  // Null: there is none of that name.
  const ServiceSettings* service_named(std::string_view wanted) const noexcept {
    return named(services, wanted);
  }
  const ListenerSettings* listener_named(std::string_view wanted) const noexcept {
    return named(listeners, wanted);
  }
  // Which listener a socket belongs to that was opened for `address`, as it was written, of the
  // listener `name`: the same, or another one that has taken the address over. Null: none. Port 0
  // is another port for each listener.
  const ListenerSettings* listener_for(std::string_view opener,
                                       const Endpoint& address) const noexcept {
    const ListenerSettings* found = nullptr;
    for (const auto& listener : listeners) {
      const auto& bind = listener->bind;
      if (std::find(bind.begin(), bind.end(), address) == bind.end()) continue;
      if (listener->name == opener) return listener.get();
      const bool is_any_port = address.kind == Endpoint::Kind::tcp && address.port == 0;
      if (!is_any_port) found = listener.get();
    }
    return found;
  }

 private:
  static constexpr Duration kUserTimeoutBeyondWrite{30'000};

  template <class Section>
  static const Section* named(const std::vector<std::unique_ptr<Section>>& sections,
                              std::string_view wanted) noexcept {
    for (const auto& section : sections)
      if (section->name == wanted) return section.get();
    return nullptr;
  }
};

using SettingsSnapshot = std::shared_ptr<const ServerSettings>;

// One listener of a snapshot, which it keeps alive.
using ListenerSnapshot = std::shared_ptr<const ListenerSettings>;

}  // namespace fairlead
