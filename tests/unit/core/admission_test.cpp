#include "server/core/admission.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <optional>
#include <vector>

namespace fairlead {
namespace {

using namespace std::chrono_literals;

PeerAddress ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return PeerAddress::from_ipv4({a, b, c, d}, 40000);
}

AddressBlock block(std::string_view text) { return *parse_address_block(text); }

ListenerSettings listener_named(const std::string& name, std::uint64_t max_connections = 0) {
  ListenerSettings listener;
  listener.name = name;
  listener.max_connections = max_connections;
  return listener;
}

struct AdmissionTest : testing::Test {
  LimitSettings limits;
  AccessSettings access;
  ListenerSettings listener = listener_named("main");
  TimePoint now{1h};

  Admission& make(std::uint64_t connections_max = 1000) {
    return admission_.emplace(limits, access, connections_max, 42);
  }
  // The answer to a connection that stays.
  CloseReason admit(const PeerAddress& peer) { return admit(peer, now); }
  CloseReason admit(const PeerAddress& peer, TimePoint at) {
    Admission::Answer answer = admission_->admit(peer, listener, at);
    EXPECT_EQ(static_cast<bool>(answer.unit), answer.refused == CloseReason::none);
    if (answer.unit) units.push_back(std::move(answer.unit));
    return answer.refused;
  }

 private:
  std::optional<Admission> admission_;

 public:
  std::vector<AdmissionUnit> units;  // of the connections that stay, in their order
};

TEST_F(AdmissionTest, RefusesAboveMaxConnectionsUntilOneLeaves) {
  Admission& admission = make(2);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::server_full);
  EXPECT_EQ(admission.connections(), 2U);
  units.pop_back();
  EXPECT_EQ(admission.connections(), 1U);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
}

TEST_F(AdmissionTest, CountsTheAddressesOfOnePrefixTogether) {
  limits.max_per_ip = 2;
  limits.ip_prefix_v4 = 24;
  make();
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 2)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 3)), CloseReason::ip_limit);
  EXPECT_EQ(admit(ipv4(10, 0, 1, 3)), CloseReason::none);
  units[1] = AdmissionUnit();
  EXPECT_EQ(admit(ipv4(10, 0, 0, 3)), CloseReason::none);
}

TEST_F(AdmissionTest, CountsIpv6BySixtyFourBits) {
  limits.max_per_ip = 1;
  make();
  const auto near =
      PeerAddress::from_ipv6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 1}, 1);
  const auto same =
      PeerAddress::from_ipv6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 7, 7, 7, 7, 7, 7, 7, 7}, 1);
  const auto other =
      PeerAddress::from_ipv6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 9, 9, 9, 9, 9, 9, 9, 1}, 1);
  EXPECT_EQ(admit(near), CloseReason::none);
  EXPECT_EQ(admit(same), CloseReason::ip_limit);
  EXPECT_EQ(admit(other), CloseReason::none);
}

TEST_F(AdmissionTest, LongestPrefixWinsAndDenyWinsATie) {
  access.deny = {block("10.0.0.0/8"), block("192.0.2.7/32")};
  access.allow = {block("10.1.0.0/16"), block("192.0.2.7/32")};
  make();
  EXPECT_EQ(admit(ipv4(10, 2, 0, 1)), CloseReason::denied);
  EXPECT_EQ(admit(ipv4(10, 1, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(192, 0, 2, 7)), CloseReason::denied);
  EXPECT_EQ(admit(ipv4(198, 51, 100, 1)), CloseReason::none) << "named by no list";
}

TEST_F(AdmissionTest, AListenerThatIsFullLeavesTheOthersTheirPlaces) {
  Admission& admission = make(3);
  listener.max_connections = 1;
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::server_full);
  listener = listener_named("other");
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::server_full) << "the daemon is full";
  EXPECT_EQ(admission.connections(), 3U);
  listener = listener_named("main", 1);
  units.pop_back();
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::server_full) << "the other's place";
  units.erase(units.begin());
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
}

// Connections of before a reload count for the listener of that name.
TEST_F(AdmissionTest, AListenerIsKnownByItsName) {
  make();
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
  listener = listener_named("main", 1);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::server_full);
}

TEST_F(AdmissionTest, AUnixPeerTakesAPlaceOfItsListener) {
  make();
  listener.max_connections = 1;
  EXPECT_EQ(admit({}), CloseReason::none);
  EXPECT_EQ(admit({}), CloseReason::server_full);
}

TEST_F(AdmissionTest, TheListsOfTheListenerAndOfTheDaemonMustBothAdmit) {
  access.deny = {block("10.0.0.0/8")};
  listener.access = {.allow = {block("10.1.0.0/16"), block("192.0.2.0/24")},
                     .deny = {block("0.0.0.0/0")}};
  make();
  EXPECT_EQ(admit(ipv4(10, 1, 0, 1)), CloseReason::denied) << "by the daemon";
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::denied) << "by the listener";
  EXPECT_EQ(admit(ipv4(192, 0, 2, 1)), CloseReason::none);
  listener.access = {};
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
}

TEST_F(AdmissionTest, RateAllowsOneSecondsBurstThenRefills) {
  limits.accept_rate = 10;
  make();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 2)), CloseReason::rate_limited);
  now += 100ms;
  EXPECT_EQ(admit(ipv4(127, 0, 0, 2)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 2)), CloseReason::rate_limited);
}

TEST_F(AdmissionTest, RatePerAddressSparesOthersAndOutlivesItsConnections) {
  limits.accept_rate_per_ip = 1;
  make();
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
  units.clear();
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::rate_limited);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 2)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1), now + 1s), CloseReason::none);
}

TEST_F(AdmissionTest, APeerThatIsRefusedForItsAddressTakesNothingFromTheOthers) {
  limits.accept_rate = 3;
  limits.accept_rate_per_ip = 1;
  limits.max_per_ip = 1;
  make();
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::none);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::ip_limit);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 2)), CloseReason::none);
  units.pop_back();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(admit(ipv4(10, 0, 0, 2)), CloseReason::rate_limited);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 3)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 4)), CloseReason::rate_limited) << "the fourth";
}

TEST_F(AdmissionTest, EarlyDropRefusesNobodyBelowItsShare) {
  limits.early_drop = 100;
  make(100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::server_full);
}

TEST_F(AdmissionTest, EarlyDropRefusesSomeAndMoreTheFullerItIs) {
  limits.early_drop = 50;
  Admission& admission = make(1000);
  int refused_low = 0;
  int refused_high = 0;
  while (admission.connections() < 500) ASSERT_EQ(admit(ipv4(127, 0, 0, 1)), CloseReason::none);
  while (admission.connections() < 600) {
    refused_low += admit(ipv4(127, 0, 0, 1)) == CloseReason::server_full ? 1 : 0;
  }
  while (admission.connections() < 700) {
    refused_high += admit(ipv4(127, 0, 0, 1)) == CloseReason::server_full ? 1 : 0;
  }
  EXPECT_GT(refused_low, 0);
  EXPECT_GT(refused_high, refused_low);
}

TEST_F(AdmissionTest, UnixPeersHaveNoAddressToJudge) {
  limits.max_per_ip = 1;
  access.deny = {block("0.0.0.0/0"), block("::/0")};
  make(3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(admit(PeerAddress{}), CloseReason::none);
  EXPECT_EQ(admit(PeerAddress{}), CloseReason::server_full);
}

TEST_F(AdmissionTest, AUnitThatMovesKeepsItsOnePlace) {
  limits.max_per_ip = 1;
  Admission& admission = make();
  Admission::Answer answer = admission.admit(ipv4(10, 0, 0, 1), listener, now);
  {
    AdmissionUnit moved = std::move(answer.unit);
    AdmissionUnit assigned;
    assigned = std::move(moved);
    EXPECT_TRUE(assigned);
    EXPECT_FALSE(moved);
    EXPECT_EQ(admission.connections(), 1U);
    EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::ip_limit);
  }
  EXPECT_EQ(admission.connections(), 0U);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::none);
}

// A hundred thousand addresses would be ten megabytes.
TEST_F(AdmissionTest, ForgetsAddressesWithoutAConnection) {
  limits.accept_rate_per_ip = 5;
  Admission& admission = make(1'000'000);
  const std::size_t before = ::mallinfo2().uordblks;
  for (int i = 0; i < 100'000; ++i) {
    const auto peer = ipv4(10, static_cast<std::uint8_t>(i >> 16),
                           static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i));
    ASSERT_EQ(admission.admit(peer, listener, now).refused, CloseReason::none);
    now += 1ms;
  }
  EXPECT_LT(::mallinfo2().uordblks, before + (2 << 20));
}

// ---- A reload

TEST_F(AdmissionTest, ALowerLimitClosesNobodyAndHoldsForTheNext) {
  Admission& admission = make(3);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 2)), CloseReason::none);
  admission.change(limits, access, 2);
  EXPECT_EQ(admission.connections(), 2U);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 3)), CloseReason::server_full);
  units.pop_back();
  EXPECT_EQ(admit(ipv4(10, 0, 0, 3)), CloseReason::none);
}

TEST_F(AdmissionTest, ANewLimitOfAnAddressCountsThoseWhoAreIn) {
  Admission& admission = make();
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::none);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::none);
  limits.max_per_ip = 2;
  admission.change(limits, access, 1000);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::ip_limit);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 2)), CloseReason::none);
}

TEST_F(AdmissionTest, WhoIsInKeepsItsGroupWhenAddressesAreGroupedAnew) {
  limits.max_per_ip = 1;
  Admission& admission = make();
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::none);
  limits.ip_prefix_v4 = 24;
  admission.change(limits, access, 1000);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::none) << "the first one of 10.0.0.0/24";
  EXPECT_EQ(admit(ipv4(10, 0, 0, 2)), CloseReason::ip_limit);
  units.clear();
  EXPECT_EQ(admission.connections(), 0U);
}

TEST_F(AdmissionTest, AddressesThatAreDeniedFromNowOnStayUntilTheyLeave) {
  Admission& admission = make();
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::none);
  access.deny = {block("10.0.0.0/8")};
  admission.change(limits, access, 1000);
  EXPECT_EQ(admission.connections(), 1U);
  EXPECT_EQ(admit(ipv4(10, 0, 0, 1)), CloseReason::denied);
}

}  // namespace
}  // namespace fairlead
