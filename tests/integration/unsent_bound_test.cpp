// What the kernel may hold unsent, against the kernel itself.
#include "common/io/unsent_bound.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include "tests/integration/sockets.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kKiB = 1024, kMiB = 1024 * 1024;

constexpr UnsentLimits kLimits{32 * kKiB, 2 * kMiB};

TEST(UnsentBoundTest, DoublesForAQuickReader) {
  std::uint32_t bound = 32 * kKiB;
  for (int i = 1; i <= 6; ++i) {
    bound = fitted_bound(bound, kLimits, 50ms);
    EXPECT_EQ(32 * kKiB << i, bound);
  }
  EXPECT_EQ(2 * kMiB, fitted_bound(bound, kLimits, 0ms));
  EXPECT_EQ(2 * kMiB, fitted_bound(2 * kMiB - 1, kLimits, 0ms));
  EXPECT_EQ(8 * kMiB, fitted_bound(8 * kMiB, {8 * kMiB, 2 * kMiB}, 0ms)) << "nobody gets less";
}

TEST(UnsentBoundTest, StaysForOneWhoTakesItsTimeAndIsAsConfiguredForASlowOne) {
  EXPECT_EQ(256 * kKiB, fitted_bound(256 * kKiB, kLimits, 51ms));
  EXPECT_EQ(256 * kKiB, fitted_bound(256 * kKiB, kLimits, 1s));
  EXPECT_EQ(32 * kKiB, fitted_bound(256 * kKiB, kLimits, 1001ms));
}

int bound_of(const Socket& socket) { return option(socket.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT); }

Pair pair_with(int bound) {
  Pair pair = connected_pair();
  EXPECT_EQ(0, ::setsockopt(pair.near.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bound, sizeof bound));
  return pair;
}

TEST(UnsentBoundTest, IsTheSocketsOption) {
  const Pair pair = pair_with(10'000);
  UnsentBound bound(pair.near.get(), kMiB);
  const UnsentBound::Time now = std::chrono::steady_clock::now();
  bound.on_full(now);
  bound.on_room(now + 1ms);
  EXPECT_EQ(20'000, bound_of(pair.near));
  bound.on_full(now + 1s);
  bound.on_room(now + 3s);
  EXPECT_EQ(10'000, bound_of(pair.near));
}

TEST(UnsentBoundTest, WithoutABoundThereIsNone) {
  const Pair pair = pair_with(0);
  UnsentBound bound(pair.near.get(), kMiB);
  const UnsentBound::Time now = std::chrono::steady_clock::now();
  bound.on_full(now);
  bound.on_room(now + 1ms);
  EXPECT_EQ(0, bound_of(pair.near));
}

TEST(UnsentBoundTest, MovesByHalfOfWhatIsConfigured) {
  constexpr int kConfigured = 64 * 1024, kHeld = 4 << 20;
  const Pair pair = pair_with(kConfigured);
  UnsentBound bound(pair.near.get(), kMiB);
  const int held = kHeld;
  ASSERT_EQ(0, ::setsockopt(pair.near.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &held, sizeof held));
  const std::string piece = pattern(64 * 1024);
  while (::send(pair.near.get(), piece.data(), piece.size(), MSG_DONTWAIT) > 0) {
  }
  bound.on_full(std::chrono::steady_clock::now());
  EXPECT_FALSE(bound.has_moved()) << "nobody reads";
  // Its kernel confirms what it has room for, a while after the reader has made it.
  std::size_t read = 0;
  while (!bound.has_moved()) read += pair.far.receive_exactly(1).size();
  EXPECT_GT(read, 0U);
  while (bound.has_moved()) {
  }
  EXPECT_FALSE(bound.has_moved()) << "nobody has read since";
}

}  // namespace
}  // namespace fairlead
