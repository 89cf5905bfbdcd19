// docs/protocol.md as the tests read it: its tables, and the conversations in its vectors.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "source_dir.hpp"

namespace fairlead::document {

inline std::vector<std::string> lines() {
  std::ifstream file(std::string(FAIRLEAD_SOURCE_DIR) + "/docs/protocol.md");
  std::vector<std::string> all;
  for (std::string line; std::getline(file, line);) all.push_back(line);
  EXPECT_FALSE(all.empty()) << "docs/protocol.md cannot be read";
  return all;
}

inline std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" `");
  if (begin == text.npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" `") + 1 - begin));
}

using Row = std::vector<std::string>;

// The rows of every table with this head, without the heads.
inline std::vector<Row> table(std::string_view head) {
  std::vector<Row> rows;
  bool inside = false;
  for (const std::string& line : lines()) {
    if (line == head) {
      inside = true;
    } else if (inside && !line.starts_with("|")) {
      inside = false;
    } else if (inside && !line.starts_with("| ---")) {
      Row row;
      std::istringstream cells(line.substr(1));
      for (std::string cell; std::getline(cells, cell, '|');) row.push_back(trimmed(cell));
      rows.push_back(row);
    }
  }
  EXPECT_FALSE(rows.empty()) << "no table " << head;
  return rows;
}

inline std::vector<Row> close_reasons() {
  return table("| number | name | sentence | framed | text and len32 |");
}

struct Step {
  enum class Kind { client, server, client_end, server_end, wait, drain };
  Kind kind;
  std::string bytes = {};
  std::vector<std::string> pieces = {};  // the same bytes, cut at the marked borders
  int milliseconds = 0;
};

struct Vector {
  std::map<std::string, std::string> attributes;
  std::vector<Step> steps;

  std::string name() const { return attributes.at("name"); }
  std::string attribute(const std::string& key) const {
    const auto found = attributes.find(key);
    return found == attributes.end() ? "" : found->second;
  }
  // All that one side sends.
  std::string stream(Step::Kind side) const {
    std::string all;
    for (const Step& step : steps)
      if (step.kind == side) all += step.bytes;
    return all;
  }
};

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  std::string digits;
  for (const char digit : hex) {
    if (digit == ' ') continue;
    EXPECT_NE(std::string_view("0123456789abcdef").find(digit), std::string_view::npos) << hex;
    digits += digit;
    if (digits.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(digits, nullptr, 16));
    digits.clear();
  }
  EXPECT_TRUE(digits.empty()) << "half a byte in " << hex;
  return bytes;
}

// One delivery: its frames with `|` between them.
inline Step delivery_of(Step::Kind side, std::string_view hex) {
  Step step{side};
  std::istringstream pieces{std::string(hex)};
  for (std::string piece; std::getline(pieces, piece, '|');) {
    step.pieces.push_back(from_hex(piece));
    step.bytes += step.pieces.back();
  }
  return step;
}

inline Step step_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  using Kind = Step::Kind;
  if (line.starts_with("C: ")) return delivery_of(Kind::client, line.substr(3));
  if (line.starts_with("S: ")) return delivery_of(Kind::server, line.substr(3));
  if (line.starts_with("wait ")) {
    return {.kind = Kind::wait, .milliseconds = std::stoi(std::string(line.substr(5)))};
  }
  if (line == "C end") return {Kind::client_end};
  if (line == "S end") return {Kind::server_end};
  EXPECT_EQ(line, "drain");
  return {Kind::drain};
}

inline std::vector<Vector> vectors() {
  std::vector<Vector> all;
  bool inside = false;
  for (const std::string& line : lines()) {
    if (line.starts_with("```vector ")) {
      inside = true;
      all.emplace_back();
      std::istringstream words(line.substr(10));
      for (std::string word; words >> word;)
        all.back().attributes[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      all.back().steps.push_back(step_of(line));
    }
  }
  EXPECT_GE(all.size(), 15U) << "the vectors are not found";
  return all;
}

}  // namespace fairlead::document
