#include "common/io/listening_socket.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

void set_tcp_options(int descriptor, const ListeningOptions& options) {
  if (options.nodelay) set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keepalive > Duration::zero()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.keepalive).count();
    set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(seconds));
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveIntervalSeconds);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
  }
  if (options.user_timeout > Duration::zero()) {
    set_option(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT,
               static_cast<int>(options.user_timeout.count()));
  }
  if (options.notsent_lowat > 0) {
    set_option(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, static_cast<int>(options.notsent_lowat));
  }
}

// A problem is reported with errno as it stands when this is called.
ListeningSockets failure(const Endpoint& endpoint, const char* doing) {
  const int why = errno;
  ListeningSockets failed;
  failed.error = "cannot listen at " + endpoint.text() + ": " + doing + ": " +
                 std::generic_category().message(why);
  if (why == EADDRINUSE) failed.error += "; stop the other program or choose another port";
  if (why == EMFILE || why == ENFILE) failed.error += kAllowMoreDescriptors;
  if (why == EADDRNOTAVAIL) failed.error += "; no interface of this machine has the address";
  failed.permission_denied = why == EACCES || why == EPERM;
  if (failed.permission_denied) failed.error += "; choose another address or run as a user who may";
  return failed;
}

void close_all(std::vector<ListeningSocket>& sockets) {
  for (const ListeningSocket& socket : sockets) close_listening_socket(socket);
  sockets.clear();
}

// One socket, or -1 with errno set and `doing` naming the call.
int open_tcp(const addrinfo& address, bool dual_stack, const ListeningOptions& options,
             const char*& doing) {
  doing = "socket";
  const int descriptor = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -1;
  if (options.reuse_address) set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.ai_family == AF_INET6)
    set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1);
  // Buffer sizes count only when they are set before the connection (tcp(7)).
  if (options.send_buffer > 0)
    set_option(descriptor, SOL_SOCKET, SO_SNDBUF, static_cast<int>(options.send_buffer));
  if (options.receive_buffer > 0) {
    set_option(descriptor, SOL_SOCKET, SO_RCVBUF, static_cast<int>(options.receive_buffer));
  }
  set_tcp_options(descriptor, options);

  doing = "bind";
  bool listening = ::bind(descriptor, address.ai_addr, address.ai_addrlen) == 0;
  if (listening) {
    doing = "listen";
    listening = ::listen(descriptor, options.backlog) == 0;
  }
  if (listening) return descriptor;
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

ListeningSockets open_tcp_sockets(const Endpoint& endpoint, const ListeningOptions& options) {
  ListeningSockets opened;
  // Every address of the machine: one IPv6 socket serves both families; without IPv6, IPv4 alone.
  const bool everywhere = endpoint.host.empty();
  std::string error;
  for (const int family : everywhere ? std::vector{AF_INET6, AF_INET} : std::vector{AF_UNSPEC}) {
    const AddressList addresses = resolve(endpoint.host, endpoint.port, family, error);
    if (!addresses) continue;
    for (const addrinfo* address = addresses.get(); address != nullptr;
         address = address->ai_next) {
      const char* doing = "";
      const int descriptor = open_tcp(*address, everywhere, options, doing);
      if (descriptor < 0) {
        const bool no_ipv6 =
            everywhere && family == AF_INET6 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
        if (no_ipv6) break;
        const int why = errno;
        close_all(opened.sockets);
        errno = why;
        return failure(endpoint, doing);
      }
      opened.sockets.push_back({descriptor, local_endpoint(descriptor)});
    }
    if (!opened.sockets.empty()) return opened;
  }
  opened.error =
      "cannot listen at " + endpoint.text() + ": " + (error.empty() ? "no address found" : error);
  return opened;
}

bool somebody_listens_at(const sockaddr_un& address) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return true;
  const bool refused =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == ECONNREFUSED;
  ::close(probe);
  return !refused;
}

ListeningSockets open_unix_socket(const Endpoint& endpoint, const ListeningOptions& options) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, endpoint.path.c_str(), endpoint.path.size() + 1);

  struct stat found {};
  if (::lstat(endpoint.path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode) &&
      !somebody_listens_at(address)) {
    ::unlink(endpoint.path.c_str());  // a daemon that was killed left it
  }
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return failure(endpoint, "socket");
  ListeningSocket socket{descriptor, endpoint};

  // The path comes into being with nobody allowed in, and is opened to `unix_mode` once it is
  // complete.
  const mode_t previous = ::umask(0777);
  const bool bound =
      ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::umask(previous);
  if (!bound) {
    auto failed = failure(endpoint, "bind");
    ::close(descriptor);
    return failed;
  }
  if (::chmod(endpoint.path.c_str(), options.unix_mode) != 0 ||
      ::listen(descriptor, options.backlog) != 0) {
    auto failed = failure(endpoint, "listen");
    close_listening_socket(socket);
    return failed;
  }
  return {{socket}, {}, false};
}

}  // namespace

ListeningSockets open_listening_sockets(const Endpoint& endpoint, const ListeningOptions& options) {
  return endpoint.kind == Endpoint::Kind::unix_socket ? open_unix_socket(endpoint, options)
                                                      : open_tcp_sockets(endpoint, options);
}

void close_listening_socket(const ListeningSocket& socket) noexcept {
  ::close(socket.descriptor);
  if (socket.address.kind == Endpoint::Kind::unix_socket) ::unlink(socket.address.path.c_str());
}

}  // namespace fairlead
