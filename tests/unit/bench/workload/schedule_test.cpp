#include "client/bench/workload/schedule.hpp"

#include <gtest/gtest.h>

#include "tests/unit/bench/setting_error.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

TEST(ParseRate, TakesRatesOfEverySize) {
  EXPECT_DOUBLE_EQ(parse_rate("500"), 500);
  EXPECT_DOUBLE_EQ(parse_rate("0.5"), 0.5);
  EXPECT_DOUBLE_EQ(parse_rate("1.5k"), 1500);
  EXPECT_DOUBLE_EQ(parse_rate("2M"), 2e6);
  EXPECT_DOUBLE_EQ(parse_rate("30/m"), 0.5);
  EXPECT_DOUBLE_EQ(parse_rate("1m/m"), 1e6 / 60);
  EXPECT_DOUBLE_EQ(parse_rate("36/h"), 0.01);
  EXPECT_DOUBLE_EQ(parse_rate("0"), 0);
}

TEST(ParseRate, SaysHowOneIsWritten) {
  for (const char* const text : {"", "k", "/m", "-1", "5/d", "1e3", "5 /s", "inf"}) {
    const std::string error = setting_error([text] { parse_rate(text); });
    EXPECT_NE(error.find("such as 500, 10k, 0.5 or 30/m"), std::string::npos) << text;
  }
  EXPECT_EQ(setting_error([] { parse_rate("2000m"); }),
            R"("2000m" is above a thousand million a second)");
}

TEST(ParseStages, TakesSteadyAndChangingRates) {
  const std::vector<Stage> stages = parse_stages("10s@1k,5s@0,2m@1k-0.5");
  ASSERT_EQ(stages.size(), 3U);
  EXPECT_EQ(stages[0].length, 10s);
  EXPECT_DOUBLE_EQ(stages[0].last_rate(), 1000);
  EXPECT_DOUBLE_EQ(stages[1].rate_max(), 0);
  EXPECT_EQ(stages[2].length, 2min);
  EXPECT_DOUBLE_EQ(stages[2].rate, 1000);
  EXPECT_DOUBLE_EQ(stages[2].last_rate(), 0.5);
}

TEST(ParseStages, RefusesWhatIsNone) {
  for (const char* const text :
       {"", "10s", "10s@", "0s@5", "10s@5,", "10s@5-", "101d@1", "60d@1,60d@1", "1s@0,1s@0-0"})
    EXPECT_NE(setting_error([text] { parse_stages(text); }), "") << text;
}

}  // namespace
}  // namespace fairlead
