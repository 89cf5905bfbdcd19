#include "common/io/listening_socket.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "common/base/descriptor.hpp"
#include "common/io/socket_address.hpp"

namespace fairlead {
namespace {

constexpr int kKeepaliveIntervalSeconds = 15;
constexpr int kKeepaliveProbes = 4;

void set_option(int descriptor, int level, int name, int value) {
  static_cast<void>(::setsockopt(descriptor, level, name, &value, sizeof value));
}

// They count only when they are set before the connection (tcp(7)).
void set_buffer_sizes(int descriptor, const ListeningOptions& options) {
  if (options.send_buffer > 0)
    set_option(descriptor, SOL_SOCKET, SO_SNDBUF, static_cast<int>(options.send_buffer));
  if (options.receive_buffer > 0)
    set_option(descriptor, SOL_SOCKET, SO_RCVBUF, static_cast<int>(options.receive_buffer));
}

// A problem is reported with errno as it stands when this is called.
tl::unexpected<ListeningError> failure(const Endpoint& endpoint, const char* doing) {
  const int why = errno;
  ListeningError failed{"cannot listen at " + endpoint.text() + ": " + doing + ": " +
                            std::generic_category().message(why),
                        why};
  const bool is_tcp = endpoint.kind == Endpoint::Kind::tcp;
  if (why == EADDRINUSE)
    failed.what += is_tcp ? "; stop the other program or choose another port"
                          : "; stop the program that listens there, remove what else has the name, "
                            "or choose another path";
  if (why == EMFILE || why == ENFILE) failed.what += kAllowMoreDescriptors;
  if (why == EADDRNOTAVAIL) failed.what += "; no interface of this machine has the address";
  if (why == EAFNOSUPPORT) failed.what += "; this machine has no such addresses";
  if (why == ENOENT || why == ENOTDIR) failed.what += "; create its folder or choose another path";
  if (failed.is_permission_denied())
    failed.what += "; choose another address or run as a user who may";
  return tl::unexpected(std::move(failed));
}

void close_all(std::vector<ListeningSocket>& sockets) {
  for (const ListeningSocket& socket : sockets) close_listening_socket(socket);
  sockets.clear();
}

enum class Purpose : std::uint8_t { serve, check };

// One socket, or -1 with errno set and `doing` naming the call. A check that listened, or shared
// the port of a daemon with SO_REUSEPORT, would take clients from it.
int open_tcp(const addrinfo& address, bool dual_stack, const ListeningOptions& options,
             Purpose purpose, const char*& doing) {
  doing = "socket";
  const int descriptor = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -1;
  if (options.reuse_address) set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port && purpose == Purpose::serve)
    set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.ai_family == AF_INET6)
    set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1);
  set_buffer_sizes(descriptor, options);
  set_connection_options(descriptor, options);

  doing = "bind";
  bool is_open = ::bind(descriptor, address.ai_addr, address.ai_addrlen) == 0;
  if (is_open && purpose == Purpose::serve) {
    doing = "listen";
    is_open = ::listen(descriptor, options.backlog) == 0;
  }
  if (is_open) return descriptor;
  const int why = errno;
  ::close(descriptor);
  errno = why;
  return -1;
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

AddressList resolve(const std::string& host, std::uint16_t port, int family, std::string& error) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                   std::to_string(port).c_str(), &hints, &found);
  if (status != 0) error = ::gai_strerror(status);
  return {found, &::freeaddrinfo};
}

Endpoint endpoint_of(const addrinfo& address) {
  const PeerAddress numeric = peer_address(*address.ai_addr);
  return {.kind = Endpoint::Kind::tcp, .host = numeric.ip_text(), .port = numeric.port, .path = {}};
}

// Of the name that is at its end, an address that is not this machine's; the others are.
bool is_of_another_machine(int error) noexcept {
  return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

ListeningSockets open_tcp_sockets(const Endpoint& endpoint, const ListeningOptions& options,
                                  Purpose purpose, std::vector<Endpoint>* left_out) {
  std::vector<ListeningSocket> opened;
  std::vector<Endpoint> seen, missing;  // /etc/hosts may have one address of a name twice
  // Every address of the machine: one IPv6 socket serves both families; without IPv6, IPv4 alone.
  const bool everywhere = endpoint.host.empty();
  std::string error;
  for (const int family : everywhere ? std::vector{AF_INET6, AF_INET} : std::vector{AF_UNSPEC}) {
    const AddressList addresses = resolve(endpoint.host, endpoint.port, family, error);
    if (!addresses) continue;
    for (const addrinfo* address = addresses.get(); address != nullptr;
         address = address->ai_next) {
      const Endpoint numeric = endpoint_of(*address);
      if (std::ranges::find(seen, numeric) != seen.end()) continue;
      seen.push_back(numeric);
      const char* doing = "";
      const int descriptor = open_tcp(*address, everywhere, options, purpose, doing);
      if (descriptor < 0) {
        const bool no_ipv6 =
            everywhere && family == AF_INET6 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
        if (no_ipv6) break;
        const int why = errno;
        const bool is_last = address->ai_next == nullptr && opened.empty();
        if (is_of_another_machine(why) && !is_last) {
          missing.push_back(numeric);
          continue;
        }
        close_all(opened);
        errno = why;
        return failure(endpoint, doing);
      }
      opened.push_back({descriptor, local_endpoint(descriptor)});
    }
    if (opened.empty()) continue;
    if (left_out != nullptr) left_out->insert(left_out->end(), missing.begin(), missing.end());
    return opened;
  }
  return tl::unexpected(ListeningError{"cannot listen at " + endpoint.text() + ": " +
                                       (error.empty() ? "no address found" : error) +
                                       "; correct the name, or write its address"});
}

sockaddr_un unix_address(const Endpoint& endpoint) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, endpoint.path.c_str(), endpoint.path.size() + 1);
  return address;
}

// Asked by a datagram socket, which a stream socket refuses by EPROTOTYPE: the daemon that listens
// there does not notice. ECONNREFUSED: no process has the socket any more.
bool is_left_behind(const Endpoint& endpoint) {
  const sockaddr_un address = unix_address(endpoint);
  const Descriptor probe(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe &&
         ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

ListeningSockets open_unix_socket(const Endpoint& endpoint, const ListeningOptions& options) {
  struct stat found {};
  if (::lstat(endpoint.path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode) &&
      is_left_behind(endpoint)) {
    ::unlink(endpoint.path.c_str());  // a daemon that was killed left it
  }
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return failure(endpoint, "socket");

  // The path comes into being with nobody allowed in, because bind(2) takes the mode of the
  // descriptor, and is opened to `unix_mode` once it is complete.
  const sockaddr_un address = unix_address(endpoint);
  if (::fchmod(descriptor, 0) != 0 ||
      ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    auto failed = failure(endpoint, "bind");
    ::close(descriptor);
    return failed;
  }
  static_cast<void>(::lstat(endpoint.path.c_str(), &found));
  const ListeningSocket socket{descriptor, endpoint, found.st_dev, found.st_ino};
  if (::chmod(endpoint.path.c_str(), options.unix_mode) != 0 ||
      ::listen(descriptor, options.backlog) != 0) {
    auto failed = failure(endpoint, "listen");
    close_listening_socket(socket);
    return failed;
  }
  return std::vector{socket};
}

tl::expected<void, ListeningError> try_unix_socket(const Endpoint& endpoint) {
  struct stat found {};
  if (::lstat(endpoint.path.c_str(), &found) == 0 &&
      !(S_ISSOCK(found.st_mode) && is_left_behind(endpoint))) {
    errno = EADDRINUSE;
    return failure(endpoint, "bind");
  }
  const std::string folder = endpoint.path.substr(0, endpoint.path.rfind('/') + 1);
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  return failure(endpoint, "bind");
}

}  // namespace

bool ListeningError::is_permission_denied() const noexcept {
  return error == EACCES || error == EPERM;
}

bool ListeningError::is_of_another_machine() const noexcept {
  return fairlead::is_of_another_machine(error);
}

std::vector<Endpoint> addresses_of(const Endpoint& endpoint) {
  if (endpoint.kind == Endpoint::Kind::unix_socket || endpoint.host.empty()) return {endpoint};
  std::string error;
  const AddressList found = resolve(endpoint.host, endpoint.port, AF_UNSPEC, error);
  std::vector<Endpoint> addresses;
  for (const addrinfo* address = found.get(); address != nullptr; address = address->ai_next)
    if (Endpoint numeric = endpoint_of(*address);
        std::ranges::find(addresses, numeric) == addresses.end())
      addresses.push_back(std::move(numeric));
  return addresses;
}

ListeningSockets open_listening_sockets(const Endpoint& endpoint, const ListeningOptions& options,
                                        std::vector<Endpoint>* left_out) {
  if (endpoint.kind == Endpoint::Kind::unix_socket) return open_unix_socket(endpoint, options);
  return open_tcp_sockets(endpoint, options, Purpose::serve, left_out);
}

tl::expected<void, ListeningError> try_listening(const Endpoint& endpoint,
                                                 const ListeningOptions& options) {
  if (endpoint.kind == Endpoint::Kind::unix_socket) return try_unix_socket(endpoint);
  ListeningSockets bound = open_tcp_sockets(endpoint, options, Purpose::check, nullptr);
  if (!bound) return tl::unexpected(std::move(bound.error()));
  close_all(*bound);
  return {};
}

// Each is set, also to what a new socket has: one that listens already may have another value.
void set_connection_options(int descriptor, const ListeningOptions& options) noexcept {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.keepalive).count();
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, options.nodelay ? 1 : 0);
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, seconds > 0 ? 1 : 0);
  if (seconds > 0) {
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(seconds));
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveIntervalSeconds);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
  }
  set_option(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT,
             static_cast<int>(options.user_timeout.count()));
  set_option(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, static_cast<int>(options.notsent_lowat));
}

void share_port(int descriptor, bool is_shared) noexcept {
  set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, is_shared ? 1 : 0);
}

std::optional<Endpoint> listening_address(int descriptor) {
  const auto option = [descriptor](int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  const int family = option(SO_DOMAIN);
  const bool is_known = family == AF_INET || family == AF_INET6 || family == AF_UNIX;
  if (!is_known || option(SO_TYPE) != SOCK_STREAM || option(SO_ACCEPTCONN) != 1)
    return std::nullopt;
  return local_endpoint(descriptor);
}

ListeningSocket adopt_listening_socket(int descriptor, const ListeningOptions& options) {
  const Endpoint address = local_endpoint(descriptor);
  if (address.kind == Endpoint::Kind::tcp) {
    set_buffer_sizes(descriptor, options);
    set_connection_options(descriptor, options);
  }
  static_cast<void>(::listen(descriptor, options.backlog));
  return {descriptor, address};
}

void remove_path(const ListeningSocket& socket) noexcept {
  if (socket.address.kind != Endpoint::Kind::unix_socket) return;
  struct stat found {};
  const char* const path = socket.address.path.c_str();
  const bool is_ours =
      ::lstat(path, &found) == 0 && found.st_dev == socket.device && found.st_ino == socket.inode;
  if (is_ours) ::unlink(path);
}

void close_listening_socket(const ListeningSocket& socket) noexcept {
  remove_path(socket);
  ::close(socket.descriptor);
}

}  // namespace fairlead
