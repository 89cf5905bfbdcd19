// The services of the daemon as it is shipped; the tests' own have no place there.
#include "server/api/service_table.hpp"

#include <gtest/gtest.h>

#include <iterator>

#include "common/config/key_table.hpp"

namespace fairlead {
namespace {

TEST(ServiceTable, HasEveryTypeAndNoOther) {
  for (const std::string_view name : kOwnServiceTypes)
    EXPECT_NE(service_type_named(name), nullptr) << name;
  EXPECT_EQ(service_type_named("chat"), nullptr);
  EXPECT_EQ(service_type_named("ticker"), nullptr);
  EXPECT_EQ(service_type_named(""), nullptr);
  EXPECT_EQ(service_types().size(), std::size(kOwnServiceTypes));
}

}  // namespace
}  // namespace fairlead
