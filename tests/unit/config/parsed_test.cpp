#include "common/config/parsed.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(Suggest, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("bind", "bind"), 0U);
  EXPECT_EQ(edit_distance("bind", ""), 4U);
  EXPECT_EQ(edit_distance("bnd", "bind"), 1U);
  EXPECT_EQ(edit_distance("bindd", "bind"), 1U);
  EXPECT_EQ(edit_distance("bond", "bind"), 1U);
  EXPECT_EQ(edit_distance("bnid", "bind"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Suggest, TakesTheNearestAndTheFirstOfEqualOnes) {
  EXPECT_EQ(nearest("lien", {"chunk", "line", "lane"}), "line");
  EXPECT_EQ(nearest("max_mesage", {"max_message", "max_per_ip"}), "max_message");
}

TEST(Suggest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(nearest("tls_certificate", {"bind", "service"}), "");
  EXPECT_EQ(nearest("xyz", {"bind"}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), {"bind"}), "");
  EXPECT_EQ(did_you_mean("xyz", {"bind"}), "");
}

TEST(Suggest, EndsASentence) {
  EXPECT_EQ(did_you_mean("lien", {"line"}), R"(; did you mean "line"?)");
}

}  // namespace
}  // namespace fairlead
