#include <gtest/gtest.h>

#include "client/bench/workload/bench_needs.hpp"

namespace fairlead {
namespace {

TEST(SourceAddresses, LeavesOutTheEndsOfABlock) {
  const SourceAddresses sources(parse_address_block("127.0.0.0/24"));
  EXPECT_EQ(sources.count(), 254U);
  EXPECT_EQ(sources.at(0)->ip_text(), "127.0.0.1");
  EXPECT_EQ(sources.at(253)->ip_text(), "127.0.0.254");
  EXPECT_EQ(sources.at(254)->ip_text(), "127.0.0.1");
}

TEST(SourceAddresses, CountsOverTheEndOfAByte) {
  const SourceAddresses sources(parse_address_block("10.0.0.0/8"));
  EXPECT_EQ(sources.at(255)->ip_text(), "10.0.1.0");
  EXPECT_EQ(sources.at(65535)->ip_text(), "10.1.0.0");
}

TEST(SourceAddresses, TakesASingleAddressAndAnIPv6Block) {
  EXPECT_EQ(SourceAddresses(parse_address_block("192.0.2.7")).at(5)->ip_text(), "192.0.2.7");
  const SourceAddresses wide(parse_address_block("2001:db8::/64"));
  EXPECT_EQ(wide.count(), std::uint64_t{1} << 32);
  EXPECT_EQ(wide.at(256)->ip_text(), "2001:db8::100");
}

TEST(SourceAddresses, LeaveTheChoiceToTheKernel) {
  EXPECT_EQ(SourceAddresses().count(), 1U);
  EXPECT_FALSE(SourceAddresses().at(3));
}

}  // namespace
}  // namespace fairlead
