// Opens what a configuration says to listen at.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
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
  // Of a unix socket's path, when it was bound.
  dev_t device = 0;
  ino_t inode = 0;
};

// Why an address cannot be listened at.
struct ListeningError {
  std::string what;  // with what to do
  int error = 0;     // errno; 0: the name has no address

  bool is_permission_denied() const noexcept;
  // No interface here has the address, or the machine has no addresses of its family.
  bool is_of_another_machine() const noexcept;
};

// Several where a name has several addresses.
using ListeningSockets = tl::expected<std::vector<ListeningSocket>, ListeningError>;

// Resolves, binds and listens. Blocks for a name's resolution, so it belongs to start-up. A unix
// socket that nobody listens at any more is replaced; one that is in use is not. Of a name's
// addresses those that are not this machine's are left out and appended to `left_out`, as long as
// there is another: /etc/hosts gives localhost its ::1 on machines without IPv6, too.
ListeningSockets open_listening_sockets(const Endpoint& endpoint, const ListeningOptions& options,
                                        std::vector<Endpoint>* left_out = nullptr);

// The numeric addresses of a name, each once; what is no name is returned as it is. Blocks. Empty:
// it has none.
std::vector<Endpoint> addresses_of(const Endpoint& endpoint);

// What open_listening_sockets() would run into, for a check beside a daemon that runs: no client
// notices, and nothing is created or removed. TCP addresses are bound for a moment, never listened
// at.
tl::expected<void, ListeningError> try_listening(const Endpoint& endpoint,
                                                 const ListeningOptions& options);

// The options that connections inherit, on a socket that listens already: those that come from now
// on have them. Not the sizes of buffers: what has been set once cannot be left to the kernel
// again.
void set_connection_options(int descriptor, const ListeningOptions& options) noexcept;

// Lets another socket of this user be bound in the way of this one (SO_REUSEPORT), or no longer.
void share_port(int descriptor, bool is_shared) noexcept;

// Where a stream socket listens; nothing where a descriptor is not such a socket of TCP or unix.
std::optional<Endpoint> listening_address(int descriptor);

// Takes over a socket that another program listens at, with the options of our own; the path of a
// unix socket stays that program's. Buffer sizes of 0 stay as they are.
ListeningSocket adopt_listening_socket(int descriptor, const ListeningOptions& options);

// Removes a unix socket's path, unless that of another program has taken its place. Before the
// descriptor is closed: then its inode number is free for the other one.
void remove_path(const ListeningSocket& socket) noexcept;

// And removes a unix socket's path.
void close_listening_socket(const ListeningSocket& socket) noexcept;

}  // namespace fairlead
