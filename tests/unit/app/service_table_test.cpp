// The services of the daemon as it is shipped; the tests' own have no place there.
#include "server/api/service_table.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(ServiceTable, HasEveryTypeAndNoOther) {
  for (const char* name : {"echo", "reply", "log", "discard", "greet", "file"})
    EXPECT_NE(service_type_named(name), nullptr) << name;
  EXPECT_EQ(service_type_named("chat"), nullptr);
  EXPECT_EQ(service_type_named("ticker"), nullptr);
  EXPECT_EQ(service_type_named(""), nullptr);
  EXPECT_EQ(service_types().size(), 6U);
}

}  // namespace
}  // namespace fairlead
