#include "client/bench/workload/bench_needs.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

Load load_of(std::uint32_t connections, const char* sources = nullptr) {
  Load load{.connections = connections};
  if (sources != nullptr) load.sources = parse_address_block(sources);
  return load;
}

TEST(BenchNeeds, AreDescriptorsForAllConnectionsAndSomeMore) {
  const auto needs = bench_needs(load_of(20'000), {.descriptors_max = 20'000});
  ASSERT_EQ(needs.size(), 1U);  // a unix socket has no port
  EXPECT_FALSE(needs[0].suffices());
  EXPECT_EQ(need_line(needs[0]), "descriptors: needs 20,040, has 20,000: ulimit -n 20040");
  EXPECT_TRUE(bench_needs(load_of(19'000), {.descriptors_max = 20'000})[0].suffices());
}

TEST(BenchNeeds, ArePortsOfEachSource) {
  const BenchFacts facts{.descriptors_max = 1'000'000, .ports = 28'232};
  EXPECT_FALSE(bench_needs(load_of(30'000), facts)[1].suffices());

  const BenchNeed many = bench_needs(load_of(20'000), facts)[1];
  EXPECT_TRUE(many.suffices());
  EXPECT_FALSE(many.advice.empty());  // but connecting will be slow

  const BenchNeed spread = bench_needs(load_of(30'000, "127.0.0.0/24"), facts)[1];
  EXPECT_EQ(spread.need, 119U);  // of 254 sources
  EXPECT_TRUE(spread.advice.empty());
}

TEST(BenchNeeds, ArePortsToEachAddressOfTheServer) {
  const BenchFacts facts{.descriptors_max = 1'000'000, .ports = 28'232, .servers = 3};
  EXPECT_EQ(bench_needs(load_of(30'000), facts)[1].need, 10'000U);
}

TEST(BenchNeeds, CountConnectionsInTimeWait) {
  Load load = load_of(100);
  load.mode = BenchMode::conn;
  load.stages = {{std::chrono::seconds(1), 10.0}, {std::chrono::seconds(1), 1000.0}};
  const BenchFacts far{.descriptors_max = 1'000'000, .ports = 28'232};
  EXPECT_EQ(bench_needs(load, far)[1].need, 60'100U);
  const BenchFacts near{.descriptors_max = 1'000'000, .ports = 28'232, .is_loopback = true};
  EXPECT_EQ(bench_needs(load, near)[1].need, 1'100U);
}

}  // namespace
}  // namespace fairlead
