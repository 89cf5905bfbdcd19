// Shows a load test while it runs: a screen that is drawn over, or a line for each second.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "client/bench/judge/result.hpp"
#include "client/bench/workload/load.hpp"
#include "client/cli/drawn_block.hpp"
#include "client/cli/output.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// The progress of a run, all threads together.
struct BenchProgress {
  enum class Phase : std::uint8_t {
    opening,    // connections are being made, nothing is due yet
    warmup,     // not counted
    running,    //
    finishing,  // nothing more is sent; replies are waited for
  };

  Phase phase = Phase::opening;
  BenchDuration elapsed{0};            // since the run began
  BenchDuration duration{0};           // of the whole run; 0: until `messages`
  std::uint64_t messages = 0;          // operations of the whole run; 0: until `duration`
  std::uint64_t finished = 0;          // operations that have ended, warm-up included
  std::uint32_t connections = 0;       // wanted
  double rate = 0;                     // operations completed a second so far, behind the warm-up
  double intended_rate = 0;            // due a second at the moment; 0: closed loop
  SeriesRow total = {};                // all seconds behind the warm-up
  std::optional<SeriesRow> last = {};  // the last second, of the warm-up, too
  std::deque<double> rates = {};       // operations completed in each of the last seconds
};

struct BenchScreenLook {
  bool colour = false;
  bool ascii = false;  // the terminal may show nothing else
};

// The lines for so much room. A small terminal shows the most important parts only.
std::vector<std::string> screen_lines(const BenchProgress& progress, const TerminalSize& room,
                                      const BenchScreenLook& look);

// Bars for the last `columns` of `values` (0 or more); the greatest one shown is a full bar. U+2581
// to U+2588, or ASCII.
std::string sparkline(const std::deque<double>& values, std::size_t columns, bool ascii);

// `automatic`: the screen on a terminal that can move its cursor, else lines. The screen has
// colours unless NO_COLOR is set and not empty (no-color.org), and is ASCII on a terminal that is
// not in UTF-8.
enum class BenchView : std::uint8_t { none, lines, automatic };

// Turns the events of a run into what is shown on stderr. Used on one thread, for one run.
class BenchWatch {
 public:
  // `load` and `err`, which is stderr, outlive it.
  BenchWatch(const Load& load, BenchView view, Output& err, Encoding terminal);
  ~BenchWatch() { end(); }

  // The connections are made; the load begins now.
  void on_begin();
  // A second is complete. `totals`: the counts behind the warm-up so far.
  void on_second(const SeriesRow& row, const Interval& totals);
  // Ten times a second, from the beginning: how often the screen is drawn.
  void on_tick();
  // Nothing more is sent; replies are waited for.
  void on_load_ended();

  // Removes what was shown only for the moment.
  void end();

 private:
  void update_phase();

  const Load& load_;
  const BenchView view_;
  Output& err_;
  const Encoding terminal_;
  std::optional<DrawnBlock> screen_;
  BenchScreenLook look_;
  BenchProgress progress_;
  BenchTime began_;
};

// A second of a run as a line without its end, the same columns each time. `connections`: wanted.
std::string second_line(const SeriesRow& row, std::uint32_t connections);

}  // namespace fairlead
