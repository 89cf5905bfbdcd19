// Those who watch a load test while it runs.
#pragma once

#include <cstdint>
#include <string_view>

#include "client/bench/judge/result.hpp"
#include "client/bench/stats/bench_time.hpp"

namespace fairlead {

// How far a run has come, all threads together. Latencies in microseconds, of the run's leading
// histogram; 0 where nothing came.
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
  double intended_rate = 0;  // those due just now; 0: closed loop
  BenchCounts counts = {};   // behind the warm-up
  std::uint64_t p50 = 0, p90 = 0, p99 = 0, max = 0;
};

// "opening", "warm-up", "running", "finishing".
std::string_view name_of(BenchProgress::Phase phase) noexcept;

// Shows a run on stderr. Used on one thread.
class BenchView {
 public:
  virtual ~BenchView() = default;

  // A second of the run is complete. Also for those of the warm-up, in their order.
  virtual void second(const SeriesRow& row, const BenchProgress& progress) = 0;

  // Between two seconds, as often as one likes: a view draws no more often than is good to look at.
  virtual void update(const BenchProgress& progress) = 0;

  // A line for the user, escaped and without its line end; it appears at once and stays.
  virtual void say(std::string_view line) = 0;

  // The last call: what was shown only for the moment disappears.
  virtual void end() = 0;
};

}  // namespace fairlead
