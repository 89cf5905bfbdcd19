#include "common/net/endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace fairlead {
namespace {

using namespace std::string_view_literals;
using testing::HasSubstr;

Endpoint tcp(std::string host, std::uint16_t port) {
  return {.kind = Endpoint::Kind::tcp, .host = std::move(host), .port = port, .path = {}};
}

Endpoint unix_at(std::string path) {
  return {.kind = Endpoint::Kind::unix_socket, .host = {}, .port = 0, .path = std::move(path)};
}

// --- Endpoint

TEST(Endpoint, IsInConflictWithWhatOverlapsIt) {
  EXPECT_TRUE(are_in_conflict(tcp("127.0.0.1", 1), tcp("127.0.0.1", 1)));
  EXPECT_TRUE(are_in_conflict(tcp("", 1), tcp("::1", 1)));
  EXPECT_TRUE(are_in_conflict(tcp("127.0.0.1", 1), tcp("0.0.0.0", 1)));
  EXPECT_TRUE(are_in_conflict(tcp("::", 1), tcp("2001:db8::1", 1)));
  EXPECT_TRUE(are_in_conflict(unix_at("/a"), unix_at("/a")));

  EXPECT_FALSE(are_in_conflict(tcp("127.0.0.1", 1), tcp("127.0.0.1", 2)));
  EXPECT_FALSE(are_in_conflict(tcp("127.0.0.1", 0), tcp("127.0.0.1", 0)));
  EXPECT_FALSE(are_in_conflict(tcp("127.0.0.1", 1), tcp("127.0.0.2", 1)));
  EXPECT_FALSE(are_in_conflict(tcp("0.0.0.0", 1), tcp("::", 1)));
  EXPECT_FALSE(are_in_conflict(tcp("0.0.0.0", 1), tcp("a.name", 1)));
  EXPECT_FALSE(are_in_conflict(unix_at("/a"), unix_at("/b")));
  EXPECT_FALSE(are_in_conflict(unix_at("/a"), tcp("", 1)));
}

// --- PeerAddress

std::array<std::uint8_t, 16> loopback6() {
  std::array<std::uint8_t, 16> ip{};
  ip[15] = 1;
  return ip;
}

TEST(PeerAddress, IsShownForLogsAndAsPythonPrintsIt) {
  const auto v4 = PeerAddress::from_ipv4({127, 0, 0, 1}, 45246);
  EXPECT_EQ(v4.ip_text(), "127.0.0.1");
  EXPECT_EQ(v4.text(), "127.0.0.1:45246");
  EXPECT_EQ(v4.python_text(), "('127.0.0.1', 45246)");

  const auto v6 = PeerAddress::from_ipv6(loopback6(), 45246);
  EXPECT_EQ(v6.ip_text(), "::1");
  EXPECT_EQ(v6.text(), "[::1]:45246");
  EXPECT_EQ(v6.python_text(), "('::1', 45246, 0, 0)");

  const PeerAddress nameless;
  EXPECT_EQ(nameless.ip_text(), "");
  EXPECT_EQ(nameless.text(), "unix");
  EXPECT_EQ(nameless.python_text(), "''");
}

TEST(PeerAddress, WritesIpv6AsRfc5952Has) {
  const auto address =
      PeerAddress::from_ipv6({0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0x0A, 0, 0, 0, 0, 0, 0, 0, 1}, 80);
  EXPECT_EQ(address.text(), "[2001:db8:0:a::1]:80");
}

TEST(PeerAddress, AMappedAddressIsTheIpv4AddressItStandsFor) {
  const auto mapped =
      PeerAddress::from_ipv6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 7}, 9);
  EXPECT_EQ(mapped, PeerAddress::from_ipv4({192, 0, 2, 7}, 9));
  EXPECT_EQ(mapped.python_text(), "('192.0.2.7', 9)");
  const auto almost =
      PeerAddress::from_ipv6({0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF, 192, 0, 2, 7}, 9);
  EXPECT_EQ(almost.family, PeerAddress::Family::ipv6);
}

TEST(PeerAddress, IsTwentyBytes) { EXPECT_EQ(sizeof(PeerAddress), 20u); }

// --- Endpoint

TEST(Endpoint, IsReadInEveryFormAndWrittenBack) {
  const std::vector<std::pair<std::string, Endpoint>> forms = {
      {"127.0.0.1:7878", tcp("127.0.0.1", 7878)},
      {"localhost:0", tcp("localhost", 0)},
      {"[::1]:65535", tcp("::1", 65535)},
      {"[::ffff:192.0.2.7]:80", tcp("::ffff:192.0.2.7", 80)},
      {":7878", tcp("", 7878)},
      {"my-host_2.example.com.:80", tcp("my-host_2.example.com.", 80)},
      {"3com.example:80", tcp("3com.example", 80)},
      {"unix:/run/fairlead/a b.sock", unix_at("/run/fairlead/a b.sock")},
  };
  for (const auto& [text, endpoint] : forms) {
    const Result<Endpoint> parsed = parse_endpoint(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().what;
    EXPECT_EQ(*parsed, endpoint) << text;
    EXPECT_EQ(parsed->text(), text);
  }
}

TEST(Endpoint, TakesTheDefaultPortWhereNoneIsGiven) {
  EXPECT_EQ(parse_endpoint("localhost", 7878), tcp("localhost", 7878));
  EXPECT_EQ(parse_endpoint("192.0.2.7", 7878), tcp("192.0.2.7", 7878));
  EXPECT_EQ(parse_endpoint("[::1]", 7878), tcp("::1", 7878));
  EXPECT_EQ(parse_endpoint("localhost:80", 7878), tcp("localhost", 80));
}

TEST(Endpoint, SaysWhatIsWrong) {
  const std::string long_label = std::string(64, 'a') + ":80";
  std::string long_host;
  for (int i = 0; i < 64; ++i) long_host += "abc.";
  long_host += ":80";
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "the address is empty"},
      {"localhost", "no port in 'localhost'"},
      {"[::1]", "no port in '[::1]'"},
      {"localhost:", "no port after the ':'"},
      {":", "no port after the ':'"},
      {"[::1]:", "no port after the ':'"},
      {"localhost:65536", "'65536' is not a port (0 to 65535)"},
      {"localhost:99999999999999999999", "is not a port"},
      {"localhost:http", "'http' is not a port"},
      {"localhost:-1", "'-1' is not a port"},
      {"localhost:+1", "'+1' is not a port"},
      {"localhost: 80", "' 80' is not a port"},
      {"localhost:80 ", "'80 ' is not a port"},
      {"7878", "write ':7878'"},
      {"::1", "an IPv6 address stands in brackets: '[::1]:port'"},
      {"::1:7878", "an IPv6 address stands in brackets"},
      {"1:2:3", "more than one ':'"},
      {"[::1", "no ']'"},
      {"[::1]7878", "expected ':' and a port after the ']'"},
      {"[]:80", "'' is not an IPv6 address"},
      {"[127.0.0.1]:80", "'127.0.0.1' is not an IPv6 address"},
      {"[:::1]:80", "is not an IPv6 address"},
      {"[fe80::1%]:80", "the zone is the name of an interface"},
      {"[fe80::1%a b]:80", "the zone is the name of an interface"},
      {"[fe80::1%eth0%eth1]:80", "the zone is the name of an interface"},
      {"[fe80::1%a234567890123456]:80", "the zone is the name of an interface"},
      {"[127.0.0.1%eth0]:80", "is not an IPv6 address"},
      {"256.0.0.1:80", "it is not an IPv4 address"},
      {"127.1:80", "it is not an IPv4 address"},
      {"2130706433:80", "it is not an IPv4 address"},
      {"example.1:80", "it is not an IPv4 address"},
      {"a..b:80", "it has an empty part"},
      {".:80", "it has an empty part"},
      {"a b:80", "a name has letters"},
      {"*:80", "a name has letters"},
      {"你好:80", "a name has letters"},
      {"a\x1B[2J:80", "'a\\x1b[2J' is not a host"},
      {long_label, "longer than 63 bytes"},
      {long_host, "longer than 253 bytes"},
      {"tls://localhost:80", "'tls://' is not supported"},
      {"unix", "'unix' is not a host: with a port it would be the path of a unix socket"},
      {"unix:", "no path after 'unix:'"},
      {"unix:run/a.sock", "must be absolute, and 'run/a.sock' is not"},
      {"unix:@abstract", "must be absolute"},
      {"unix:/" + std::string(107, 'a'), "may have 107 bytes, and this one has 108"},
      {std::string("unix:/a\0b"sv), "NUL byte"},
      {std::string("127.0.0.1\0:80"sv), "is not a host"},
      {std::string("[::1\0]:80"sv), "is not an IPv6 address"},
  };
  for (const auto& [text, error] : bad) {
    const Result<Endpoint> parsed = parse_endpoint(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().what, HasSubstr(error)) << text;
  }
}

TEST(Endpoint, TakesTheLongestPathThatASocketCanHave) {
  const std::string path = "/" + std::string(106, 'a');
  EXPECT_EQ(parse_endpoint("unix:" + path), unix_at(path));
}

TEST(Endpoint, ADefaultPortExcusesNothingElse) {
  for (std::string_view text : {"", "7878", "::1", "localhost:", "256.0.0.1", "[::1", "unix:a"}) {
    EXPECT_FALSE(parse_endpoint(text, 7878)) << text;
  }
}

TEST(Endpoint, WhateverIsReadIsReadTheSameFromItsText) {
  constexpr std::string_view kAlphabet = "[]:.0189afx/-unix%";
  for (std::uint32_t seed = 1; seed <= 20000; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    for (std::size_t left = random() % 14; left > 0; --left)
      text += kAlphabet[random() % kAlphabet.size()];
    const Result<Endpoint> parsed = parse_endpoint(text, 80);
    if (parsed) {
      ASSERT_EQ(parse_endpoint(parsed->text()), *parsed) << text;
    } else {
      ASSERT_NE(parsed.error().what, "") << "seed " << seed;
    }
  }
}

// --- AddressBlock

PeerAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return PeerAddress::from_ipv4({a, b, c, d}, 1);
}

bool matches(std::string_view block, const PeerAddress& address) {
  return parse_address_block(block).value().contains(address);
}

TEST(PeerAddress, IsToldWholeOrByItsPrefix) {
  const auto ipv4 = PeerAddress::from_ipv4({192, 0, 2, 7}, 45246);
  const auto ipv6 = PeerAddress::from_ipv6(
      {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8}, 45246);
  const auto mapped =
      PeerAddress::from_ipv6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}, 45246);
  EXPECT_EQ(told_text(ipv4, PeerDetail::full), "192.0.2.7:45246");
  EXPECT_EQ(told_text(ipv4, PeerDetail::prefix), "192.0.2.0/24");
  EXPECT_EQ(told_text(mapped, PeerDetail::prefix), "192.0.2.0/24");
  EXPECT_EQ(told_text(ipv6, PeerDetail::prefix), "2001:db8:1::/48");
  EXPECT_EQ(told_text({}, PeerDetail::prefix), "unix");
  EXPECT_EQ(told_peer(ipv4, PeerDetail::full), ipv4);
  EXPECT_EQ(told_peer(ipv4, PeerDetail::prefix).python_text(), "('192.0.2.0', 45246)");
  EXPECT_EQ(told_peer(ipv6, PeerDetail::prefix).ip_text(), "2001:db8:1::");
  EXPECT_EQ(told_peer({}, PeerDetail::prefix), PeerAddress());
}

TEST(AddressBlock, ContainsExactlyTheAddressesOfItsPrefix) {
  EXPECT_TRUE(matches("10.0.0.0/8", v4(10, 255, 255, 255)));
  EXPECT_FALSE(matches("10.0.0.0/8", v4(11, 0, 0, 0)));
  EXPECT_TRUE(matches("192.0.2.128/25", v4(192, 0, 2, 128)));
  EXPECT_FALSE(matches("192.0.2.128/25", v4(192, 0, 2, 127)));
  EXPECT_TRUE(matches("172.16.0.0/12", v4(172, 31, 255, 255)));
  EXPECT_FALSE(matches("172.16.0.0/12", v4(172, 32, 0, 0)));
  EXPECT_TRUE(matches("192.0.2.7", v4(192, 0, 2, 7)));
  EXPECT_FALSE(matches("192.0.2.7", v4(192, 0, 2, 6)));
  EXPECT_TRUE(matches("0.0.0.0/0", v4(255, 255, 255, 255)));

  const auto documentation =
      PeerAddress::from_ipv6({0x20, 0x01, 0x0D, 0xB8, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 1);
  EXPECT_TRUE(matches("2001:db8::/32", documentation));
  EXPECT_TRUE(matches("2001:db8:8000::/33", documentation));
  EXPECT_FALSE(matches("2001:db8::/33", documentation));
  EXPECT_FALSE(matches("2001:db9::/32", documentation));
  EXPECT_TRUE(matches("2001:db8:8000::1", documentation));
  EXPECT_FALSE(matches("2001:db8:8000::2", documentation));
}

TEST(AddressBlock, FamiliesNeverMatchEachOther) {
  const auto v6 = PeerAddress::from_ipv6(loopback6(), 1);
  EXPECT_FALSE(matches("0.0.0.0/0", v6));
  EXPECT_FALSE(matches("::/0", v4(10, 0, 0, 1)));
  EXPECT_TRUE(matches("::/0", v6));
  for (std::string_view everything : {"0.0.0.0/0", "::/0"})
    EXPECT_FALSE(matches(everything, PeerAddress{}));
}

TEST(AddressBlock, OfMappedAddressesIsTheIpv4BlockItStandsFor) {
  EXPECT_EQ(parse_address_block("::ffff:10.0.0.0/104"), parse_address_block("10.0.0.0/8"));
  EXPECT_EQ(parse_address_block("::ffff:192.0.2.7"), parse_address_block("192.0.2.7"));
}

TEST(AddressBlock, RejectsWhatIsNoBlock) {
  for (std::string_view text : {"",
                                "/",
                                "/8",
                                "10.0.0.0/",
                                "10.0.0.0/33",
                                "10.0.0.0/999",
                                "10.0.0.0/-1",
                                "10.0.0.0/ 8",
                                "10.0.0.0/8 ",
                                "10.0.0.0/8/8",
                                "10/8",
                                "10.0.0/8",
                                "256.0.0.0/8",
                                "localhost",
                                "::/129",
                                "::1/",
                                ":::/8",
                                "[::1]",
                                "fe80::1%eth0",
                                "10.0.0.0/255.0.0.0"}) {
    EXPECT_FALSE(parse_address_block(text)) << text;
  }
  EXPECT_FALSE(parse_address_block("10.0.0.0\0/8"sv));
}

TEST(AddressBlock, RejectsBitsBeyondThePrefix) {
  for (std::string_view text :
       {"10.0.0.1/8", "10.0.0.1/31", "192.0.2.129/24", "0.0.0.1/0", "2001:db8::1/64",
        "2001:db8:8000::/32", "::1/127", "::ffff:10.0.0.1/104"}) {
    EXPECT_FALSE(parse_address_block(text)) << text;
  }
  EXPECT_TRUE(parse_address_block("10.0.0.2/31"));
}

TEST(AddressBlock, IsWrittenAsItIsRead) {
  for (std::string_view text :
       {"10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1", "0.0.0.0/0", "::/0"}) {
    EXPECT_EQ(parse_address_block(text).value().text(), text);
  }
  EXPECT_EQ(parse_address_block("192.0.2.7/32").value().text(), "192.0.2.7");
}

}  // namespace
}  // namespace fairlead
