// A simulated terminal for views that draw over lines: shows what is visible after some bytes.
#pragma once

#include <wchar.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "common/text/characters.hpp"

namespace fairlead {

class FakeScreen {
 public:
  explicit FakeScreen(std::size_t columns, std::size_t rows = 24)
      : columns_(columns), rows_(rows) {}

  void write(std::string_view bytes) {
    ++writes;
    while (!bytes.empty()) {
      if (bytes.front() == '\x1b') {
        const std::size_t size = bytes.find_first_of("AJm") + 1;
        if (size == 0) throw std::runtime_error("an escape sequence that is not known");
        escape(bytes.substr(0, size));
        bytes.remove_prefix(size);
        continue;
      }
      const std::string_view character = bytes.substr(0, utf8_step(bytes).size);
      bytes.remove_prefix(character.size());
      if (character == "\r") {
        column_ = 0;
      } else if (character == "\n") {
        next_row();
      } else {
        put(character);
      }
    }
  }

  // Everything that was ever shown, without spaces at the ends of lines.
  std::vector<std::string> lines() const {
    std::vector<std::string> result;
    for (const auto& row : cells_) {
      std::string line;
      for (const std::string& cell : row) line += cell;
      line.erase(line.find_last_not_of(' ') + 1);
      result.push_back(line);
    }
    while (!result.empty() && result.back().empty()) result.pop_back();
    return result;
  }

  int writes = 0;
  std::vector<std::string> colours;  // the sequences that set one
  bool wrapped = false;              // a line was too wide

 private:
  void escape(std::string_view sequence) {
    auto& row = cells_[row_];
    if (sequence == "\x1b[J") {
      // In a row that is full the cursor stands on its last column still.
      row.resize(std::min({row.size(), column_, columns_ - 1}));
      cells_.resize(row_ + 1);
    } else if (sequence.starts_with("\x1b[") && sequence.ends_with('A')) {
      const std::size_t up = std::stoul(std::string(sequence.substr(2)));
      const std::size_t top = cells_.size() > rows_ ? cells_.size() - rows_ : 0;
      row_ = std::max(top, row_ - std::min(up, row_));
    } else if (sequence.ends_with('m')) {
      colours.emplace_back(sequence);
    } else {
      throw std::runtime_error("an escape sequence that is not known");
    }
  }

  void next_row() {
    column_ = 0;
    if (++row_ == cells_.size()) cells_.emplace_back();
  }

  void put(std::string_view character) {
    const int told = ::wcwidth(static_cast<wchar_t>(code_point(character)));
    if (told < 0) throw std::runtime_error("a character that moves the cursor nobody knows how");
    const auto width = static_cast<std::size_t>(told);
    if (column_ + width > columns_) {
      wrapped = true;
      next_row();
    }
    auto& row = cells_[row_];
    row.resize(std::max(row.size(), column_ + width), " ");
    if (width == 0) {
      row.at(column_ - 1) += character;
      return;
    }
    row[column_] = character;
    if (width == 2) row[column_ + 1].clear();
    column_ += width;
  }

  std::size_t columns_, rows_;
  std::vector<std::vector<std::string>> cells_{1};
  std::size_t row_ = 0, column_ = 0;
};

}  // namespace fairlead
