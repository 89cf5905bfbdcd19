// The views of a load test while it runs: lines here, the screen in bench_screen.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "client/bench/judge/result.hpp"
#include "client/bench/stats/bench_time.hpp"
#include "client/cli/output.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// The progress of a run, all threads together. Latencies in microseconds, from the leading
// histogram; 0 without replies.
struct BenchProgress {
  enum class Phase : std::uint8_t {
    opening,    // connections are being made, nothing is due yet
    warmup,     // not counted
    running,    //
    finishing,  // nothing more is sent; replies are waited for
  };

  Phase phase = Phase::opening;
  BenchDuration elapsed{0};       // since the run began
  BenchDuration duration{0};      // of the whole run; 0: until `messages`
  std::uint64_t messages = 0;     // operations of the whole run; 0: until `duration`
  std::uint64_t finished = 0;     // operations that have ended, warm-up included
  std::uint32_t connections = 0;  // wanted
  std::uint64_t connections_open = 0;
  double rate = 0;           // operations completed a second so far, behind the warm-up
  double intended_rate = 0;  // due a second at the moment; 0: closed loop
  BenchCounts counts = {};   // behind the warm-up
  std::uint64_t p50 = 0, p90 = 0, p99 = 0, max = 0;
};

// "opening", "warm-up", "running", "finishing".
std::string_view name_of(BenchProgress::Phase phase) noexcept;

// Shows a run on stderr. Used on one thread.
class BenchView {
 public:
  virtual ~BenchView() = default;

  // A second of the run is complete; seconds of the warm-up, too.
  virtual void on_second(const SeriesRow& row, const BenchProgress& progress) = 0;

  // Between two seconds, at any rate: the view limits how often it draws.
  virtual void update(const BenchProgress& progress) = 0;

  // A line for the user, escaped and without its line end; it appears at once and stays.
  virtual void say(std::string_view line) = 0;

  // The last call. Removes what was shown temporarily.
  virtual void end() = 0;
};

enum class BenchViewForm : std::uint8_t { automatic, lines };

// `err` is stderr, which outlives the view. `automatic`: the screen on a terminal that can move its
// cursor, else lines. The screen has colours unless NO_COLOR is set and not empty (no-color.org),
// and is ASCII on a terminal that is not in UTF-8.
std::unique_ptr<BenchView> make_bench_view(BenchViewForm form, Output& err, Encoding terminal);

class BenchLines final : public BenchView {
 public:
  BenchLines(Output& err, Encoding encoding) : err_(err), encoding_(encoding) {}

  void on_second(const SeriesRow& row, const BenchProgress& progress) override;
  void update(const BenchProgress&) override {}
  void say(std::string_view line) override;
  void end() override {}

 private:
  Output& err_;
  Encoding encoding_;
};

}  // namespace fairlead
