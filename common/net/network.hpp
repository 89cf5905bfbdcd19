// What a client asks of the network: names to be resolved, connections to be made. No Asio:
// implemented by common/io's Connector, and by the tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <vector>

#include "common/base/result.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/endpoint.hpp"

namespace fairlead {

enum class AddressFamily : std::uint8_t { any, ipv4, ipv6 };

// One place to connect to: a numeric address, or the path of a unix socket.
struct Destination {
  PeerAddress address;  // of family unix_socket: look at the path
  std::string path;
  std::uint32_t zone = 0;  // the interface of a link-local IPv6 address; 0: none was named

  std::string text() const {
    return address.family == PeerAddress::Family::unix_socket ? "unix:" + path : address.text();
  }
};

// The addresses of a name, at least one, in the order in which to try them (RFC 6724).
struct Resolved {
  std::vector<PeerAddress> addresses;
  std::uint32_t zone = 0;  // of the link-local ones
};

// How a connection is made.
struct ConnectSettings {
  std::optional<PeerAddress> source = {};  // connect from here; its port is 0
  // What the kernel may hold that has not been read, so that a peer notices at once how fast it is
  // read (SO_RCVBUF; Linux takes 2,304 or more). 0: as the kernel sees fit.
  std::uint32_t receive_buffer_bytes = 0;
};

// A connection, or the error that connect(2) or bind(2) gave (std::generic_category).
using Connected = tl::expected<std::unique_ptr<ByteStream>, std::error_code>;

// Something asked for and not yet answered. Destroying it takes the question back: its callback is
// then never called.
class Pending {
 public:
  virtual ~Pending() = default;
};

// Used on one loop's thread. Callbacks are called in a turn of the loop, exactly once, never within
// the call that asked; a callback may destroy its own Pending.
class Network {
 public:
  [[nodiscard]] virtual std::unique_ptr<Pending> resolve(
      const std::string& host, std::uint16_t port, AddressFamily family,
      std::function<void(Result<Resolved>)> done) = 0;

  [[nodiscard]] virtual std::unique_ptr<Pending> connect(const Destination& destination,
                                                         const ConnectSettings& settings,
                                                         std::function<void(Connected)> done) = 0;

 protected:
  ~Network() = default;
};

}  // namespace fairlead
