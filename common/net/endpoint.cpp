#include "common/net/endpoint.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kUnixScheme = "unix";
constexpr std::size_t kUnixPathMax = 107;  // sun_path holds 108 bytes with its final NUL (unix(7))
constexpr std::size_t kHostMax = 253;      // RFC 1035 in its text form, without the last dot
constexpr std::size_t kLabelMax = 63;
constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr std::uint8_t kMappedPrefixBits = 96;

using Ip = std::array<std::uint8_t, 16>;

// inet_pton wants a final NUL, and would stop at one inside the text.
bool read_ip(std::string_view text, int family, Ip& ip) {
  const std::string terminated(text);
  return text.find('\0') == text.npos && inet_pton(family, terminated.c_str(), ip.data()) == 1;
}

bool is_ipv4(std::string_view text) {
  Ip ip;
  return read_ip(text, AF_INET, ip);
}

bool is_ipv6(std::string_view text) {
  Ip ip;
  return read_ip(text, AF_INET6, ip);
}

std::string ip_text_of(PeerAddress::Family family, const Ip& ip) {
  if (family == PeerAddress::Family::unix_socket) return "";
  if (family == PeerAddress::Family::ipv4) {
    // Not by inet_ntop: it goes by sprintf, and every session ends with this.
    return std::to_string(ip[0]) + '.' + std::to_string(ip[1]) + '.' + std::to_string(ip[2]) + '.' +
           std::to_string(ip[3]);
  }
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, ip.data(), buffer, sizeof buffer);
  return buffer;
}

bool is_mapped(const Ip& ip) noexcept {
  return std::equal(std::begin(kMappedPrefix), std::end(kMappedPrefix), ip.begin());
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Digits only, of at most `bound`; nothing else is a number here (no sign, no space, no more digits
// than `bound` has).
std::optional<std::uint32_t> read_number(std::string_view text, std::uint32_t bound) {
  if (text.empty() || text.size() > std::to_string(bound).size()) return std::nullopt;
  if (!std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  if (value > bound) return std::nullopt;
  return value;
}

// Values come from a person's file or command line; what is wrong with them may well be a control
// character.
std::string quoted(std::string_view text) { return "'" + escaped(text, 256) + "'"; }

Result<Endpoint> parse_unix(std::string_view path) {
  if (path.empty()) return make_error("no path after 'unix:'");
  if (path.front() != '/')
    return make_error("the path of a unix socket must be absolute, and " + quoted(path) +
                      " is not");
  if (path.find('\0') != path.npos)
    return make_error("the path of a unix socket has a NUL byte in it");
  if (path.size() > kUnixPathMax) {
    return make_error("the path of a unix socket may have " + std::to_string(kUnixPathMax) +
                      " bytes, and this one has " + std::to_string(path.size()));
  }
  return Endpoint{
      .kind = Endpoint::Kind::unix_socket, .host = {}, .port = 0, .path = std::string(path)};
}

// What is wrong with one label of a host name, or nothing.
std::string label_fault(std::string_view label) {
  const auto allowed = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  if (label.empty()) return "it has an empty part";
  if (label.size() > kLabelMax) return "a part of it is longer than 63 bytes";
  if (!std::ranges::all_of(label, allowed))
    return "a name has letters a to z, digits, '-', '_' and '.'";
  return {};
}

// What is wrong with a host that is no IPv6 address, or nothing.
std::string host_fault(std::string_view host) {
  if (host == kUnixScheme) return "with a port it would be the path of a unix socket";
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > kHostMax) return "it is longer than 253 bytes";

  std::string_view label;
  for (std::size_t begin = 0; begin <= host.size(); begin += label.size() + 1) {
    label = host.substr(begin, host.find('.', begin) - begin);
    if (std::string fault = label_fault(label); !fault.empty()) return fault;
  }
  // Resolvers read "127.1" and "2130706433" as addresses too; nobody who writes them here means
  // that.
  if (std::ranges::all_of(label, is_digit) && !is_ipv4(host)) return "it is not an IPv4 address";
  return {};
}

// `port` is what stands behind the colon; nothing when there is no colon.
Result<Endpoint> with_port(std::string_view host, std::optional<std::string_view> port,
                           std::optional<std::uint16_t> default_port, std::string_view text) {
  Endpoint endpoint{.kind = Endpoint::Kind::tcp, .host = std::string(host), .port = 0, .path = {}};
  if (!port) {
    if (!default_port)
      return make_error("no port in " + quoted(text) + "; write host:port, [v6]:port or :port");
    endpoint.port = *default_port;
    return endpoint;
  }
  if (port->empty()) return make_error("no port after the ':' in " + quoted(text));
  const auto number = read_number(*port, 65535);
  if (!number) return make_error(quoted(*port) + " is not a port (0 to 65535)");
  endpoint.port = static_cast<std::uint16_t>(*number);
  return endpoint;
}

// What is behind the '%', if there is one, can be the name of an interface (netdevice(7)).
bool has_good_zone(std::string_view host) {
  constexpr std::size_t kInterfaceNameMax = 15;
  const std::size_t percent = host.find('%');
  if (percent == host.npos) return true;
  const std::string_view zone = host.substr(percent + 1);
  return !zone.empty() && zone.size() <= kInterfaceNameMax && std::ranges::all_of(zone, [](char c) {
    return c > ' ' && c < 0x7F && c != '/' && c != '%';
  });
}

Result<Endpoint> parse_bracketed(std::string_view text, std::optional<std::uint16_t> default_port) {
  const std::size_t end = text.find(']');
  if (end == text.npos) return make_error("no ']' in " + quoted(text));
  const std::string_view host = text.substr(1, end - 1);
  if (!is_ipv6(host.substr(0, host.find('%'))))
    return make_error(quoted(host) + " is not an IPv6 address");
  if (!has_good_zone(host))
    return make_error(quoted(host) +
                      ": the zone is the name of an interface, as in [fe80::1%eth0]");
  const std::string_view rest = text.substr(end + 1);
  if (rest.empty()) return with_port(host, std::nullopt, default_port, text);
  if (rest.front() != ':')
    return make_error("expected ':' and a port after the ']' in " + quoted(text));
  return with_port(host, rest.substr(1), default_port, text);
}

bool bits_are_equal(const Ip& a, const Ip& b, std::size_t bits) noexcept {
  const std::size_t bytes = bits / 8;
  if (std::memcmp(a.data(), b.data(), bytes) != 0) return false;
  const std::size_t rest = bits % 8;
  return rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

bool is_zero_beyond(const Ip& ip, std::size_t bits) noexcept {
  Ip network = ip;
  for (std::size_t bit = bits; bit < 8 * ip.size(); ++bit) {
    network[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
  }
  return network == ip;
}

std::uint8_t address_bits(PeerAddress::Family family) noexcept {
  return family == PeerAddress::Family::ipv4 ? 32 : 128;
}

// What usually belongs to one customer is more than that.
std::uint8_t told_bits(PeerAddress::Family family) noexcept {
  return family == PeerAddress::Family::ipv4 ? 24 : 48;
}

// No peer ever has a mapped address (PeerAddress::from_ipv6), so a mapped block would silently
// match nothing.
AddressBlock without_mapping(AddressBlock block) noexcept {
  if (block.prefix_bits < kMappedPrefixBits || !is_mapped(block.ip)) return block;
  AddressBlock ipv4;
  std::copy_n(block.ip.begin() + std::size(kMappedPrefix), 4, ipv4.ip.begin());
  ipv4.prefix_bits = static_cast<std::uint8_t>(block.prefix_bits - kMappedPrefixBits);
  return ipv4;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text, std::optional<std::uint16_t> default_port) {
  if (text.empty()) return make_error("the address is empty");
  if (text.starts_with(kUnixScheme) && text.substr(kUnixScheme.size()).starts_with(':'))
    return parse_unix(text.substr(kUnixScheme.size() + 1));
  if (const std::size_t scheme = text.find("://"); scheme != text.npos) {
    return make_error(quoted(text.substr(0, scheme + 3)) + " is not supported; write host:port");
  }
  if (text.front() == '[') return parse_bracketed(text, default_port);
  if (is_ipv6(text))
    return make_error("an IPv6 address stands in brackets: '[" + std::string(text) + "]:port'");

  const std::size_t colon = text.find(':');
  if (colon == 0) return with_port("", text.substr(1), default_port, text);
  if (colon != text.npos && text.find(':', colon + 1) != text.npos) {
    return make_error("more than one ':' in " + quoted(text) +
                      "; an IPv6 address stands in brackets: '[v6]:port'");
  }
  const std::string_view host = text.substr(0, colon);
  if (colon == text.npos && std::ranges::all_of(host, is_digit)) {
    return make_error("no host in " + quoted(text) +
                      "; for a port alone write ':" + escaped(host, 256) + "'");
  }
  if (const std::string fault = host_fault(host); !fault.empty()) {
    return make_error(quoted(host) + " is not a host: " + fault);
  }
  if (colon == text.npos) return with_port(host, std::nullopt, default_port, text);
  return with_port(host, text.substr(colon + 1), default_port, text);
}

bool are_in_conflict(const Endpoint& one, const Endpoint& other) {
  if (one.kind != other.kind) return false;
  if (one.kind == Endpoint::Kind::unix_socket) return one.path == other.path;
  if (one.port != other.port || one.port == 0) return false;
  if (one.host == other.host || one.host.empty() || other.host.empty()) return true;
  const auto is_every_address_of = [](const Endpoint& every, const Endpoint& some) {
    const bool is_ipv6 = some.host.find(':') != some.host.npos;
    return every.host == (is_ipv6 ? "::" : is_ipv4(some.host) ? "0.0.0.0" : "no address");
  };
  return is_every_address_of(one, other) || is_every_address_of(other, one);
}

std::string Endpoint::text() const {
  if (kind == Kind::unix_socket) return "unix:" + path;
  const bool brackets = host.find(':') != host.npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

PeerAddress PeerAddress::from_ipv4(const std::array<std::uint8_t, 4>& ip,
                                   std::uint16_t port) noexcept {
  PeerAddress address;
  std::ranges::copy(ip, address.ip.begin());
  address.port = port;
  address.family = Family::ipv4;
  return address;
}

PeerAddress PeerAddress::from_ipv6(const std::array<std::uint8_t, 16>& ip,
                                   std::uint16_t port) noexcept {
  if (is_mapped(ip)) return from_ipv4({ip[12], ip[13], ip[14], ip[15]}, port);
  PeerAddress address;
  address.ip = ip;
  address.port = port;
  address.family = Family::ipv6;
  return address;
}

std::string PeerAddress::ip_text() const { return ip_text_of(family, ip); }

std::string PeerAddress::text() const {
  switch (family) {
    case Family::unix_socket:
      return "unix";
    case Family::ipv4:
      return ip_text() + ":" + std::to_string(port);
    case Family::ipv6:
      return "[" + ip_text() + "]:" + std::to_string(port);
  }
  return {};
}

std::string PeerAddress::python_text() const {
  switch (family) {
    case Family::unix_socket:
      return "''";
    case Family::ipv4:
      return "('" + ip_text() + "', " + std::to_string(port) + ")";
    case Family::ipv6:
      return "('" + ip_text() + "', " + std::to_string(port) + ", 0, 0)";
  }
  return {};
}

AddressBlock block_around(const PeerAddress& peer, std::uint8_t prefix_bits) noexcept {
  AddressBlock block{peer.family, peer.ip, prefix_bits};
  for (std::size_t i = 0; i < block.ip.size(); ++i) {
    const int kept = std::clamp(static_cast<int>(prefix_bits) - static_cast<int>(8 * i), 0, 8);
    block.ip[i] = static_cast<std::uint8_t>(block.ip[i] & (0xff00U >> kept));
  }
  return block;
}

PeerAddress told_peer(const PeerAddress& peer, PeerDetail detail) noexcept {
  PeerAddress told = peer;
  if (detail == PeerDetail::prefix) told.ip = block_around(peer, told_bits(peer.family)).ip;
  return told;
}

std::string told_text(const PeerAddress& peer, PeerDetail detail) {
  if (detail == PeerDetail::full || peer.family == PeerAddress::Family::unix_socket)
    return peer.text();
  return block_around(peer, told_bits(peer.family)).text();
}

std::optional<AddressBlock> parse_address_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  const bool ipv6 = address.find(':') != address.npos;

  AddressBlock block;
  block.family = ipv6 ? PeerAddress::Family::ipv6 : PeerAddress::Family::ipv4;
  block.prefix_bits = address_bits(block.family);
  if (!read_ip(address, ipv6 ? AF_INET6 : AF_INET, block.ip)) return std::nullopt;
  if (slash != text.npos) {
    const auto bits = read_number(text.substr(slash + 1), block.prefix_bits);
    if (!bits) return std::nullopt;
    block.prefix_bits = static_cast<std::uint8_t>(*bits);
  }
  if (!is_zero_beyond(block.ip, block.prefix_bits)) return std::nullopt;
  return without_mapping(block);
}

bool AddressBlock::contains(const PeerAddress& address) const noexcept {
  return address.family == family && bits_are_equal(address.ip, ip, prefix_bits);
}

std::string AddressBlock::text() const {
  const std::string address = ip_text_of(family, ip);
  return prefix_bits == address_bits(family) ? address
                                             : address + "/" + std::to_string(prefix_bits);
}

}  // namespace fairlead
