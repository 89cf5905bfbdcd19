#include "common/base/descriptor.hpp"

#include <gtest/gtest.h>

#include <string>
#include <system_error>

namespace fairlead {
namespace {

std::string advice_about(std::errc error) {
  const std::system_error failure(std::make_error_code(error), "x");
  return advised(failure).substr(std::string(failure.what()).size());
}

TEST(Advised, SaysWhatToAllowMoreOf) {
  EXPECT_EQ(advice_about(std::errc::too_many_files_open), kAllowMoreDescriptors);
  EXPECT_EQ(advice_about(std::errc::too_many_files_open_in_system), kAllowMoreDescriptors);
  EXPECT_EQ(advice_about(std::errc::resource_unavailable_try_again), kAllowMoreThreads);
  EXPECT_EQ(advice_about(std::errc::permission_denied), "");
}

}  // namespace
}  // namespace fairlead
