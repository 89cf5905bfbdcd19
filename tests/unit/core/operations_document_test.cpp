// docs/operations.md is read when there is no time to doubt it: this test holds it against the
// code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "common/protocol/close_reason.hpp"
#include "source_dir.hpp"

namespace fairlead {
namespace {

// The cells of each row of the table with this head.
std::vector<std::vector<std::string>> table(std::string_view head) {
  std::ifstream file(FAIRLEAD_SOURCE_DIR "/docs/operations.md");
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == head) {
      inside = true;
    } else if (inside && !line.starts_with("| ")) {
      break;
    } else if (inside && !line.starts_with("| ---")) {
      rows.emplace_back();
      for (std::size_t begin = 2, end; (end = line.find(" |", begin)) != line.npos; begin = end + 3)
        rows.back().push_back(line.substr(begin, end - begin));
    }
  }
  return rows;
}

TEST(OperationsDocument, HasEveryCloseReasonWithItsCauseAndItsRemedy) {
  const auto rows = table("| reason | cause | remedy |");
  std::vector<std::string> names, expected;
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 3u) << row.front();
    names.push_back(row[0]);
    EXPECT_FALSE(row[1].empty() || row[2].empty()) << row[0];
  }
  for (std::uint8_t number = 1; number < kCloseReasonCount; ++number)
    expected.push_back("`" + std::string(name_of(static_cast<CloseReason>(number))) + "`");
  EXPECT_EQ(names, expected) << "in the order of their numbers";
}

}  // namespace
}  // namespace fairlead
