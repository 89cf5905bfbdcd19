// docs/operations.md against the key table: what an operator looks for is there, and what it names
// exists.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "common/config/key_table.hpp"
#include "source_dir.hpp"

namespace fairlead {
namespace {

constexpr const char* kNameBytes = "abcdefghijklmnopqrstuvwxyz_0123456789";

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
  std::size_t seen = 0;
  for (const std::string section : {"server", "limits", "timeouts", "socket", "log", "access"}) {
    const std::string opening = "`" + section + ".";
    for (std::size_t at = 0; (at = text.find(opening, at)) != text.npos; ++seen) {
      at += opening.size();
      const std::string key = text.substr(at, text.find_first_not_of(kNameBytes, at) - at);
      EXPECT_NE(find_key(section, key), nullptr) << section << "." << key;
    }
  }
  EXPECT_GT(seen, 20u);
}

}  // namespace
}  // namespace fairlead
