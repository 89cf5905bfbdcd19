#include "common/config/reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "common/config/key_table.hpp"
#include "common/config/source.hpp"
#include "source_dir.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;

const std::string kPage = FAIRLEAD_SOURCE_DIR "/docs/configuration.md";

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Reference, IsThePageInDocs) {
  if (std::getenv("FAIRLEAD_UPDATE_DOCS") != nullptr)
    std::ofstream(kPage, std::ios::binary) << reference_page();
  EXPECT_EQ(file_text(kPage), reference_page())
      << "docs/configuration.md is out of date: run this test with FAIRLEAD_UPDATE_DOCS=1";
}

TEST(Reference, ShowsEverythingTheTableKnowsOfAKey) {
  const auto page = reference_page();
  EXPECT_THAT(page, HasSubstr("| `max_message` | size | `1MiB` | 1 to 16777215 | N | "));
  EXPECT_THAT(page, HasSubstr(" | `FAIRLEAD_LIMITS__MAX_MESSAGE` |\n"));
  EXPECT_THAT(page, HasSubstr("\n## [listener.NAME]\n"));
  EXPECT_THAT(page, HasSubstr(" | `FAIRLEAD_LISTENER__NAME__BIND` |\n"));
  for (const Key& key : all_keys())
    EXPECT_THAT(page, HasSubstr("| `" + std::string(key.name) + "` | "));
  for (const RemovedKey& key : removed_keys())
    EXPECT_THAT(page, HasSubstr("." + std::string(key.name) + "` | " + std::string(key.advice)));
}

TEST(Reference, ShowsEveryKeyInTheHelpWithinATerminal) {
  const auto help = key_help();
  for (const Key& key : all_keys())
    EXPECT_THAT(help, HasSubstr("  " + std::string(1, reload_letter(key.reload)) + " " +
                                std::string(key.name) + " = " + std::string(key.fallback)));
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 115U) << line;
}

}  // namespace
}  // namespace fairlead
