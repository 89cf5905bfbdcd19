// An address to listen at, to connect to, or to have been connected from. No socket, no resolver.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace fairlead {

// A numeric IP address and port, or the nameless peer of a unix socket. 20 bytes, a value.
struct PeerAddress {
  enum class Family : std::uint8_t { unix_socket, ipv4, ipv6 };

  std::array<std::uint8_t, 16> ip{};  // network order; IPv4 uses the first four
  std::uint16_t port = 0;             // host order
  Family family = Family::unix_socket;

  // "127.0.0.1", "::1" (RFC 5952), or "" for a unix socket. An IPv4-mapped IPv6 address must have
  // been turned into IPv4 before (see from_ipv6).
  std::string ip_text() const;
  // "127.0.0.1:45246", "[::1]:45246", "unix".
  std::string text() const;
  // As Python prints the address that accept() returned: "('127.0.0.1', 45246)", "('::1', 45246, 0,
  // 0)", "''".
  std::string python_text() const;

  static PeerAddress from_ipv4(const std::array<std::uint8_t, 4>& ip, std::uint16_t port) noexcept;
  // Turns ::ffff:a.b.c.d, which a dual-stack socket reports, into the IPv4 address it stands for.
  static PeerAddress from_ipv6(const std::array<std::uint8_t, 16>& ip, std::uint16_t port) noexcept;

  bool operator==(const PeerAddress&) const = default;
};

// An address as users write it: `host:port`, `[v6]:port`, `:port` (every address of the machine,
// IPv4 and IPv6), `unix:/path`.
struct Endpoint {
  enum class Kind : std::uint8_t { tcp, unix_socket };

  Kind kind = Kind::tcp;
  std::string host;        // empty: every address; without brackets; IPv6 with its %zone
  std::uint16_t port = 0;  // tcp; 0: the kernel chooses
  std::string path;        // unix_socket; absolute, at most 107 bytes (unix(7))

  std::string text() const;
  bool operator==(const Endpoint&) const = default;
};

// Whether one program cannot listen at both (SO_REUSEPORT left aside): the same path, or the same
// port at addresses that overlap, as every address of a family does. Port 0 is another one each
// time; of a name nothing is known.
bool are_in_conflict(const Endpoint& one, const Endpoint& other);

// `default_port` is used for "host", "[v6]" and "v4" without a port; none: a port must be given.
// Names are not resolved, but what cannot be one is refused, and so are digits that are neither a
// name nor a full IPv4 address ("7878", "127.1").
Result<Endpoint> parse_endpoint(std::string_view text,
                                std::optional<std::uint16_t> default_port = {});

// An address block in CIDR form: "10.0.0.0/8", "2001:db8::/32", "192.0.2.7" (a single address).
// IPv4 and IPv6 never match each other.
struct AddressBlock {
  PeerAddress::Family family = PeerAddress::Family::ipv4;
  std::array<std::uint8_t, 16> ip{};
  std::uint8_t prefix_bits = 0;  // 0..32 or 0..128

  bool contains(const PeerAddress& address) const noexcept;
  std::string text() const;  // "10.0.0.0/8", "192.0.2.7"
  bool operator==(const AddressBlock&) const = default;
};

// The block of the peer's first bits, which has no more than its family.
AddressBlock block_around(const PeerAddress& peer, std::uint8_t prefix_bits) noexcept;

// How much of a peer's address a log tells (`log.peer`).
enum class PeerDetail : std::uint8_t { full, prefix };

// The peer as it may be told: with `prefix`, the host's bits (IPv4: the last 8, IPv6: the last 80)
// are 0. The port stays.
PeerAddress told_peer(const PeerAddress& peer, PeerDetail detail) noexcept;
// "192.0.2.7:45246"; with `prefix` "192.0.2.0/24", "2001:db8:1::/48". "unix" for both.
std::string told_text(const PeerAddress& peer, PeerDetail detail);

// Nothing when it is not an address, the prefix is too long, or bits beyond the prefix are set. A
// block of IPv4-mapped addresses ("::ffff:10.0.0.0/104") is the IPv4 block that it stands for, as
// for PeerAddress.
std::optional<AddressBlock> parse_address_block(std::string_view text);

}  // namespace fairlead
