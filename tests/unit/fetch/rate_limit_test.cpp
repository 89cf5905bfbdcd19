#include "client/fetch/rate_limit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fairlead {
namespace {

constexpr TimePoint kStart{Duration(1'000'000)};
constexpr std::uint64_t kRead = 65'536;

TEST(RateLimit, WithoutARateNothingIsPaused) {
  RateLimit limit(0);
  EXPECT_TRUE(limit.is_unlimited());
  EXPECT_EQ(limit.take(~std::uint64_t{0}, kStart), kStart);
}

TEST(RateLimit, ABurstIsAQuarterOfASecond) {
  RateLimit limit(1000);
  EXPECT_EQ(limit.take(250, kStart), kStart);
  EXPECT_EQ(limit.take(1, kStart), kStart + Duration(1));
  EXPECT_EQ(limit.take(999, kStart), kStart + Duration(1000));
}

TEST(RateLimit, APauseEarnsNoMoreThanTheBurst) {
  RateLimit limit(1000);
  limit.take(1000, kStart);
  const TimePoint later = kStart + std::chrono::hours(1);
  EXPECT_EQ(limit.take(250, later), later);
  EXPECT_EQ(limit.take(100, later), later + Duration(100));
}

TEST(RateLimit, ATooLongWaitIsCompensated) {
  RateLimit limit(1000);
  EXPECT_EQ(limit.take(350, kStart), kStart + Duration(100));
  // Read 50 ms late: the next pause is shorter by as much.
  const TimePoint late = kStart + Duration(150);
  EXPECT_EQ(limit.take(100, late), kStart + Duration(200));
}

TEST(RateLimit, ARateThatIsSmallForTheBytesPausesForADayAtMost) {
  RateLimit limit(1);
  EXPECT_EQ(limit.take(~std::uint64_t{0}, kStart), kStart + std::chrono::hours(24));
}

TEST(RateLimit, ARequestIsASecondsWorthOfItsConnection) {
  EXPECT_EQ(RateLimit(0).request_bytes(4), ~std::uint64_t{0});
  EXPECT_EQ(RateLimit(1024).request_bytes(1), 1024U);
  EXPECT_EQ(RateLimit(102'400).request_bytes(128), 800U);
  EXPECT_EQ(RateLimit(1).request_bytes(1), 256U);
}

TEST(RateLimit, TheKernelHoldsASecondsWorthWhereOneReadIsMore) {
  EXPECT_EQ(RateLimit(0).receive_buffer_bytes(), 0U);
  EXPECT_EQ(RateLimit(1).receive_buffer_bytes(), 256U);
  EXPECT_EQ(RateLimit(4096).receive_buffer_bytes(), 2048U) << "the kernel doubles it";
  EXPECT_EQ(RateLimit(kRead - 1).receive_buffer_bytes(), kRead / 2 - 1);
  EXPECT_EQ(RateLimit(kRead).receive_buffer_bytes(), 0U);
}

// Connections with a clock of their own: each reads when it may, always as much as one read holds.
// What they read by `until`, or more than `bytes_max`.
std::uint64_t read_by(TimePoint until, RateLimit limit, std::size_t connections,
                      std::uint64_t bytes_max) {
  std::vector<TimePoint> may_read(connections, kStart);
  std::uint64_t bytes = 0;
  for (;;) {
    const auto next = std::min_element(may_read.begin(), may_read.end());
    if (*next > until || bytes > bytes_max) return bytes;
    bytes += kRead;
    *next = limit.take(kRead, *next);
  }
}

TEST(RateLimit, ManyConnectionsTogetherKeepToTheRate) {
  constexpr std::uint64_t kRate = 1'000'000;
  constexpr std::uint64_t kSeconds = 60;
  for (const std::size_t connections : {1, 2, 16, 64}) {
    const std::uint64_t most = kRate * kSeconds + kRate / 4 + connections * kRead;
    const std::uint64_t bytes =
        read_by(kStart + std::chrono::seconds(kSeconds), RateLimit(kRate), connections, most);
    EXPECT_LE(bytes, most) << connections;
    EXPECT_GE(bytes, kRate * kSeconds) << connections;
  }
}

}  // namespace
}  // namespace fairlead
