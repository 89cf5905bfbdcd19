#include "client/bench/stats/figures.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(Figures, HaveThreeDigits) {
  EXPECT_EQ(time_figure(0), "0 us");
  EXPECT_EQ(time_figure(0.5), "0.50 us");
  EXPECT_EQ(time_figure(85), "85 us");
  EXPECT_EQ(time_figure(999), "999 us");
  EXPECT_EQ(time_figure(999.6), "1.00 ms");
  EXPECT_EQ(time_figure(1240), "1.24 ms");
  EXPECT_EQ(time_figure(99'960), "100 ms");
  EXPECT_EQ(time_figure(999'499), "999 ms");
  EXPECT_EQ(time_figure(999'500), "1.00 s");
  EXPECT_EQ(time_figure(3.6e9), "3600 s");
  EXPECT_EQ(share_figure(0), "0 %");
  EXPECT_EQ(share_figure(0.0247), "2.47 %");
  EXPECT_EQ(share_figure(0.995), "99.5 %");
  EXPECT_EQ(share_figure(1.5), "150 %");
}

TEST(Figures, HaveAllTheirDigitsHoweverManyTheyAre) {
  const std::string figure = time_figure(1e300);
  EXPECT_EQ(figure.size(), 295 + std::string(" s").size());
  EXPECT_EQ(figure.find_first_not_of("0123456789"), 295u);
}

TEST(Figures, HaveThousandsApart) {
  EXPECT_EQ(count_figure(0), "0");
  EXPECT_EQ(count_figure(999), "999");
  EXPECT_EQ(count_figure(1000), "1,000");
  EXPECT_EQ(count_figure(1'234'567), "1,234,567");
  EXPECT_EQ(rate_figure(12.34), "12.3 /s");
  EXPECT_EQ(rate_figure(1'234'567.4), "1,234,567 /s");
}

}  // namespace
}  // namespace fairlead
