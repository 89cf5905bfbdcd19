// Progress on a terminal: a line with a bar for each active file, and one for all of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/fetch/progress.hpp"
#include "client/progress/fetch_meter.hpp"
#include "client/terminal/output.hpp"
#include "client/terminal/terminal_size.hpp"
#include "common/text/encoding.hpp"

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
// kProgressEvery; what is said, and what has ended, stands above them and stays. Each drawing is
// one write: from the first bar, over every line, and what is left below is cleared. No colours.
//
// Invariant: no line is as wide as the terminal, so none wraps by itself.
class ProgressBars final : public ProgressView {
 public:
  ProgressBars(Output& err, std::function<TerminalSize()> size, Encoding terminal)
      : err_(err), size_(std::move(size)), terminal_(terminal) {}

  void update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
              TimePoint now) override;
  void file_ended(const FetchedFile& file, TimePoint now) override;
  void say(std::string_view line) override;
  void end() override;

 private:
  void draw();
  std::string to_the_first_bar(std::size_t columns) const;

  Output& err_;
  std::function<TerminalSize()> size_;
  Encoding terminal_;
  FetchMeter meter_;
  std::vector<BarLine> bars_;
  std::string above_;  // lines that have not been shown yet
  std::size_t lines_drawn_ = 0;
  std::size_t columns_drawn_ = 0;  // of each of them
  TimePoint next_draw_{};
};

}  // namespace fairlead
