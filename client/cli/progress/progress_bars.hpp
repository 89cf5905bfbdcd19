// Progress on a terminal: a line with a bar for each active file, and one for all of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/cli/drawn_block.hpp"
#include "client/cli/progress/fetch_meter.hpp"
#include "client/fetch/progress.hpp"

namespace fairlead {

// What a bar says. `size` is meaningless unless `size_known`.
struct BarLine {
  std::string name = {};   // escaped
  std::string state = {};  // in place of the time left; empty: that
  std::uint64_t here = 0, size = 0;
  bool size_known = false;
  double rate = 0;  // bytes a second
};

// One line of exactly so many columns; the narrower it is, the less it says.
std::string bar_text(const BarLine& line, std::size_t columns);

// The bars stand at the end of what the terminal shows and are drawn over, at most every
// kProgressEvery; what is said, and what has ended, stands above them and stays. No colours.
class ProgressBars final : public ProgressView {
 public:
  ProgressBars(Output& err, std::function<TerminalSize()> size, Encoding terminal)
      : block_(err, std::move(size), terminal) {}

  void update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
              TimePoint now) override;
  void file_ended(const FetchedFile& file, TimePoint now) override;
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
