#include "common/io/socket_address.hpp"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace fairlead {

PeerAddress peer_address(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &address, sizeof ipv4);
    std::array<std::uint8_t, 4> ip;
    std::memcpy(ip.data(), &ipv4.sin_addr, ip.size());
    return PeerAddress::from_ipv4(ip, ntohs(ipv4.sin_port));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 ipv6;
    std::memcpy(&ipv6, &address, sizeof ipv6);
    std::array<std::uint8_t, 16> ip;
    std::memcpy(ip.data(), &ipv6.sin6_addr, ip.size());
    return PeerAddress::from_ipv6(ip, ntohs(ipv6.sin6_port));
  }
  return {};
}

std::uint32_t zone_of(const sockaddr& address) noexcept {
  if (address.sa_family != AF_INET6) return 0;
  sockaddr_in6 ipv6;
  std::memcpy(&ipv6, &address, sizeof ipv6);
  return ipv6.sin6_scope_id;
}

socklen_t fill_socket_address(const PeerAddress& from, sockaddr_storage& to,
                              std::uint32_t zone) noexcept {
  if (from.family == PeerAddress::Family::ipv4) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(from.port);
    std::memcpy(&ipv4.sin_addr, from.ip.data(), sizeof ipv4.sin_addr);
    std::memcpy(&to, &ipv4, sizeof ipv4);
    return sizeof ipv4;
  }
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(from.port);
  ipv6.sin6_scope_id = zone;
  std::memcpy(&ipv6.sin6_addr, from.ip.data(), sizeof ipv6.sin6_addr);
  std::memcpy(&to, &ipv6, sizeof ipv6);
  return sizeof ipv6;
}

Endpoint local_endpoint(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  static_cast<void>(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size));
  if (address.ss_family == AF_UNIX) {
    constexpr socklen_t kBefore = offsetof(sockaddr_un, sun_path);
    const char* const path = reinterpret_cast<const char*>(&address) + kBefore;
    std::string name(path, size > kBefore ? size - kBefore : 0);
    const bool is_abstract = name.starts_with('\0');
    if (is_abstract) name[0] = '@';
    if (!is_abstract) name.resize(std::min(name.find('\0'), name.size()));
    return {.kind = Endpoint::Kind::unix_socket, .host = {}, .port = 0, .path = std::move(name)};
  }
  const PeerAddress local = peer_address(reinterpret_cast<const sockaddr&>(address));
  std::string host = local.ip_text();
  std::array<char, IF_NAMESIZE> name;
  const std::uint32_t zone = zone_of(reinterpret_cast<const sockaddr&>(address));
  if (zone != 0 && ::if_indextoname(zone, name.data()) != nullptr)
    host.append("%").append(name.data());
  return {.kind = Endpoint::Kind::tcp, .host = std::move(host), .port = local.port, .path = {}};
}

}  // namespace fairlead
