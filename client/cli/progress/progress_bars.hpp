// Progress on a terminal: a line with a bar for each active file, and one for all of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/cli/drawn_block.hpp"
#include "client/cli/progress/fetch_meter.hpp"
#include "client/fetch/progress.hpp"

namespace fairlead {

// The content of a bar. `size` is meaningless unless `size_known`.
struct BarLine {
  std::string name = {};   // escaped
  std::string state = {};  // in place of the time left; empty: that
  std::uint64_t here = 0, size = 0;
  bool size_known = false;
  double rate = 0;  // bytes a second
};

// A line of exactly `columns` columns; a narrow one shows fewer fields.
std::string bar_text(const BarLine& line, std::size_t columns);

// Draws the bars over the last lines of the terminal, at most every kProgressEvery. Lines that are
// said, and ended files, stay above them. No colours.
class ProgressBars final : public ProgressView {
 public:
  ProgressBars(Output& err, std::function<TerminalSize()> size, Encoding terminal)
      : block_(err, std::move(size), terminal) {}

  void update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
              TimePoint now) override;
  void on_file_ended(const FetchedFile& file, TimePoint now) override;
  void say(std::string_view line) override;
  void end() override;

 private:
  void draw();

  DrawnBlock block_;
  FetchMeter meter_;
  std::vector<BarLine> bars_;
  std::string above_;  // lines that have not been shown yet
  TimePoint next_draw_{};
};

}  // namespace fairlead
