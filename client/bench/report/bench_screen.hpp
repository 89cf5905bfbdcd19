// A load test watched on a terminal: a few lines that are drawn over.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "client/bench/report/bench_view.hpp"
#include "client/cli/drawn_block.hpp"

namespace fairlead {

struct BenchScreenLook {
  bool colour = false;
  bool ascii = false;  // the terminal cannot be relied on to show more
};

// Drawn at most every kEvery of the run's own time, and whenever something is said. The narrower or
// lower the terminal, the less is shown, the least important first.
class BenchScreen final : public BenchView {
 public:
  static constexpr BenchDuration kEvery{std::chrono::milliseconds(100)};

  BenchScreen(Output& err, std::function<TerminalSize()> size, Encoding terminal,
              const BenchScreenLook& look)
      : block_(err, std::move(size), terminal), look_(look) {}

  void second(const SeriesRow& row, const BenchProgress& progress) override;
  void update(const BenchProgress& progress) override;
  void say(std::string_view line) override;
  void end() override;

 private:
  void draw(std::string_view above);

  DrawnBlock block_;
  BenchScreenLook look_;
  BenchProgress progress_ = {};
  SeriesRow last_ = {};
  std::deque<double> rates_ = {};  // of the last seconds
  bool has_second_ = false;
  bool is_shown_ = false;
  BenchDuration next_draw_{0};
};

}  // namespace fairlead
