#include "server/core/admission.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

using namespace std::chrono_literals;

PeerAddress ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return PeerAddress::from_ipv4({a, b, c, d}, 40000);
}

AddressBlock block(std::string_view text) { return *parse_address_block(text); }

struct AdmissionTest : testing::Test {
  LimitSettings limits;
  AccessSettings access;
  TimePoint now{1h};

  Admission make(std::uint64_t connections_max = 1000) {
    return Admission(limits, access, connections_max, 42);
  }
};

TEST_F(AdmissionTest, RefusesAboveMaxConnectionsUntilOneLeaves) {
  Admission admission = make(2);
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 1), now), CloseReason::none);
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 1), now), CloseReason::none);
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 1), now), CloseReason::server_full);
  EXPECT_EQ(admission.connections(), 2U);
  admission.release(ipv4(127, 0, 0, 1));
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 1), now), CloseReason::none);
}

TEST_F(AdmissionTest, CountsNeighboursOfOnePrefixTogether) {
  limits.max_per_ip = 2;
  limits.ip_prefix_v4 = 24;
  Admission admission = make();
  EXPECT_EQ(admission.admit(ipv4(10, 0, 0, 1), now), CloseReason::none);
  EXPECT_EQ(admission.admit(ipv4(10, 0, 0, 2), now), CloseReason::none);
  EXPECT_EQ(admission.admit(ipv4(10, 0, 0, 3), now), CloseReason::ip_limit);
  EXPECT_EQ(admission.admit(ipv4(10, 0, 1, 3), now), CloseReason::none);
  admission.release(ipv4(10, 0, 0, 2));
  EXPECT_EQ(admission.admit(ipv4(10, 0, 0, 3), now), CloseReason::none);
}

TEST_F(AdmissionTest, CountsIpv6BySixtyFourBits) {
  limits.max_per_ip = 1;
  Admission admission = make();
  const auto near =
      PeerAddress::from_ipv6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 1}, 1);
  const auto same =
      PeerAddress::from_ipv6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 7, 7, 7, 7, 7, 7, 7, 7}, 1);
  const auto other =
      PeerAddress::from_ipv6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 9, 9, 9, 9, 9, 9, 9, 1}, 1);
  EXPECT_EQ(admission.admit(near, now), CloseReason::none);
  EXPECT_EQ(admission.admit(same, now), CloseReason::ip_limit);
  EXPECT_EQ(admission.admit(other, now), CloseReason::none);
}

TEST_F(AdmissionTest, LongestPrefixWinsAndDenyWinsATie) {
  access.deny = {block("10.0.0.0/8"), block("192.0.2.7/32")};
  access.allow = {block("10.1.0.0/16"), block("192.0.2.7/32")};
  Admission admission = make();
  EXPECT_EQ(admission.admit(ipv4(10, 2, 0, 1), now), CloseReason::denied);
  EXPECT_EQ(admission.admit(ipv4(10, 1, 0, 1), now), CloseReason::none);
  EXPECT_EQ(admission.admit(ipv4(192, 0, 2, 7), now), CloseReason::denied);
  EXPECT_EQ(admission.admit(ipv4(198, 51, 100, 1), now), CloseReason::none) << "named by no list";
}

TEST_F(AdmissionTest, RateAllowsOneSecondsBurstThenRefills) {
  limits.accept_rate = 10;
  Admission admission = make();
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 1), now), CloseReason::none);
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 2), now), CloseReason::rate_limited);
  now += 100ms;
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 2), now), CloseReason::none);
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 2), now), CloseReason::rate_limited);
}

TEST_F(AdmissionTest, RatePerAddressSparesOthersAndOutlivesItsConnections) {
  limits.accept_rate_per_ip = 1;
  Admission admission = make();
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 1), now), CloseReason::none);
  admission.release(ipv4(127, 0, 0, 1));
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 1), now), CloseReason::rate_limited);
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 2), now), CloseReason::none);
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 1), now + 1s), CloseReason::none);
}

TEST_F(AdmissionTest, WhoIsRefusedForItsAddressUsesUpNothingOfTheOthers) {
  limits.accept_rate = 3;
  limits.accept_rate_per_ip = 1;
  limits.max_per_ip = 1;
  Admission admission = make();
  EXPECT_EQ(admission.admit(ipv4(10, 0, 0, 1), now), CloseReason::none);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(admission.admit(ipv4(10, 0, 0, 1), now), CloseReason::ip_limit);
  EXPECT_EQ(admission.admit(ipv4(10, 0, 0, 2), now), CloseReason::none);
  admission.release(ipv4(10, 0, 0, 2));
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(admission.admit(ipv4(10, 0, 0, 2), now), CloseReason::rate_limited);
  EXPECT_EQ(admission.admit(ipv4(10, 0, 0, 3), now), CloseReason::none);
  EXPECT_EQ(admission.admit(ipv4(10, 0, 0, 4), now), CloseReason::rate_limited) << "the fourth";
}

TEST_F(AdmissionTest, EarlyDropStopsShortOfNobodyBelowItsShare) {
  limits.early_drop = 100;
  Admission admission = make(100);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 1), now), CloseReason::none);
  EXPECT_EQ(admission.admit(ipv4(127, 0, 0, 1), now), CloseReason::server_full);
}

TEST_F(AdmissionTest, EarlyDropRefusesSomeAndMoreTheFullerItIs) {
  limits.early_drop = 50;
  Admission admission = make(1000);
  int refused_low = 0;
  int refused_high = 0;
  while (admission.connections() < 500)
    ASSERT_EQ(admission.admit(ipv4(127, 0, 0, 1), now), CloseReason::none);
  while (admission.connections() < 600) {
    refused_low += admission.admit(ipv4(127, 0, 0, 1), now) == CloseReason::server_full ? 1 : 0;
  }
  while (admission.connections() < 700) {
    refused_high += admission.admit(ipv4(127, 0, 0, 1), now) == CloseReason::server_full ? 1 : 0;
  }
  EXPECT_GT(refused_low, 0);
  EXPECT_GT(refused_high, refused_low);
}

TEST_F(AdmissionTest, UnixPeersHaveNoAddressToJudge) {
  limits.max_per_ip = 1;
  access.deny = {block("0.0.0.0/0"), block("::/0")};
  Admission admission = make(3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(admission.admit(PeerAddress{}, now), CloseReason::none);
  EXPECT_EQ(admission.admit(PeerAddress{}, now), CloseReason::server_full);
}

TEST_F(AdmissionTest, ForgetsVisitorsWhoAreGone) {
  limits.accept_rate_per_ip = 5;
  Admission admission = make(1'000'000);
  for (int i = 0; i < 100'000; ++i) {
    const auto peer = ipv4(10, static_cast<std::uint8_t>(i >> 16),
                           static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i));
    ASSERT_EQ(admission.admit(peer, now), CloseReason::none);
    admission.release(peer);
    now += 1ms;
  }
  EXPECT_LE(admission.neighbours_remembered(), 8192U);
}

}  // namespace
}  // namespace fairlead
