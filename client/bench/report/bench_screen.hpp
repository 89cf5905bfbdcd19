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
  bool ascii = false;  // the terminal may show nothing else
};

// Drawn at most every kEvery of the run's time, and for each line that is said. A small terminal
// shows the most important parts only.
class BenchScreen final : public BenchView {
 public:
  static constexpr BenchDuration kEvery{std::chrono::milliseconds(100)};

  BenchScreen(Output& err, std::function<TerminalSize()> size, Encoding terminal,
              const BenchScreenLook& look)
      : block_(err, std::move(size), terminal), look_(look) {}

  void on_second(const SeriesRow& row, const BenchProgress& progress) override;
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

// Bars for the last `columns` of `values` (0 or more); the greatest one shown is a full bar. U+2581
// to U+2588, or ASCII.
std::string sparkline(const std::deque<double>& values, std::size_t columns, bool ascii);

}  // namespace fairlead
