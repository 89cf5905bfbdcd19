// Opens what a configuration says to listen at.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/time.hpp"
#include "common/net/endpoint.hpp"

namespace fairlead {

// Set once on the listening socket: Linux hands every one of them on to the sockets it accepts
// (tests/integration proves it), which saves seven system calls per connection.
struct ListeningOptions {
  int backlog = 4096;
  bool reuse_address = true;
  bool reuse_port = false;
  bool nodelay = true;
  Duration keepalive{};     // idle time before the first probe; 0: off. Then every 15 s, 4 times
  Duration user_timeout{};  // 0: the kernel's
  std::uint64_t notsent_lowat = 0;  // bytes; 0: the kernel's
  std::uint64_t send_buffer = 0, receive_buffer = 0;
  std::uint32_t unix_mode = 0660;  // permission bits of a unix socket
};

struct ListeningSocket {
  int descriptor = -1;  // owned by whoever holds the struct, until a Listener takes it
  Endpoint address;     // with the port the kernel chose
};

struct ListeningSockets {
  std::vector<ListeningSocket>
      sockets;        // several where a name has several addresses; none after an error
  std::string error;  // what failed and why; empty: nothing did
  bool permission_denied = false;
};

// Resolves, binds and listens. Blocks for a name's resolution, so it belongs to start-up. A unix
// socket that nobody listens at any more is replaced; one that is in use is not.
ListeningSockets open_listening_sockets(const Endpoint& endpoint, const ListeningOptions& options);

void close_listening_socket(
    const ListeningSocket& socket) noexcept;  // and removes a unix socket's path

}  // namespace fairlead
