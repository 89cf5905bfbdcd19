// docs/operations.md against the key table: what an operator looks for is there, and what it names
// exists.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "common/config/key_table.hpp"

namespace fairlead {
namespace {

std::string page() {
  std::ifstream file(FAIRLEAD_SOURCE_DIR "/docs/operations.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(OperationsDocument, NamesEveryLimitAndTimeout) {
  const std::string text = page();
  for (const Key& key : all_keys()) {
    if (key.section != "limits" && key.section != "timeouts") continue;
    const std::string name = "`" + std::string(key.section) + "." + std::string(key.name);
    EXPECT_THAT(text, testing::HasSubstr(name));
  }
}

TEST(OperationsDocument, NamesNoKeyThatDoesNotExist) {
  const std::string text = page();
  const std::regex named("`(server|limits|timeouts|socket|log|access)\\.([a-z_0-9]+)");
  std::size_t seen = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), named), end; at != end; ++at, ++seen) {
    EXPECT_NE(find_key((*at)[1].str(), (*at)[2].str()), nullptr) << at->str();
  }
  EXPECT_GT(seen, 20u);
}

}  // namespace
}  // namespace fairlead
