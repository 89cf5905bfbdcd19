// The kernel's socket addresses and ours.
#pragma once

#include <sys/socket.h>

#include "common/net/endpoint.hpp"

namespace fairlead {

// What accept(2), getpeername(2) or recvfrom(2) has filled in.
PeerAddress peer_address(const sockaddr& address) noexcept;

// The reverse, for an IPv4 or IPv6 address; returns how many bytes of `to` it takes.
socklen_t fill_socket_address(const PeerAddress& from, sockaddr_storage& to,
                              std::uint32_t zone = 0) noexcept;

// The interface of a link-local IPv6 address; 0: there is none.
std::uint32_t zone_of(const sockaddr& address) noexcept;

// Where a TCP socket is bound, numerically, or a unix socket; an abstract name begins with `@`.
Endpoint local_endpoint(int descriptor);

}  // namespace fairlead
