// The result of a load test, as the reports and `compare` see it, and its time series.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/bench/stats/tally.hpp"
#include "client/bench/workload/load.hpp"

namespace fairlead {

// A part of the operations that is worth a word.
inline constexpr double kNoticeable = 0.01;

// Can the figures be believed?
enum class Belief : std::uint8_t { valid, doubtful, invalid };
std::string_view name_of(Belief belief) noexcept;  // "VALID", ...

struct Verdict {
  Belief belief = Belief::valid;
  std::vector<std::string> reasons = {};  // a sentence each, without full stop, gravest first
};

struct ThresholdOutcome {
  std::string text = {};  // as it was given: "p99<20ms"
  double value = 0;       // in the unit of the threshold: microseconds, a share, a number a second
  bool met = false;
  std::string figure = {};  // the value with its unit: "12.4 ms"; empty when there is none
  std::string note = {};    // why it is not met although the value is within the limit
};

// One second of the run, all threads together. Latencies in microseconds; 0 without replies.
struct SeriesRow {
  std::uint32_t second = 0;  // from 0, of the run
  bool is_warmup = false;
  BenchCounts counts = {};
  std::uint64_t connections_open = 0;
  std::uint64_t p50 = 0, p90 = 0, p99 = 0, max = 0;
};

SeriesRow series_row(const Interval& interval, bool is_warmup);

// Resources used while the run was measured.
struct ThreadUse {
  double cpu_seconds = 0;
  double starved_seconds = 0;  // waiting for a core: run_delay of schedstat; 0 if unknown
  double wall_seconds = 0;

  double share(double part_seconds) const noexcept {
    return wall_seconds > 0 ? part_seconds / wall_seconds : 0;
  }
};
struct ServerUse {  // --pid
  int pid = 0;
  double cpu_seconds = 0;  // user and system, all threads
};

struct BenchResult {
  std::string address = {};  // as the user wrote it; a peer's bytes may be in it: escape it
  std::vector<std::string> addresses = {};  // what was connected to
  std::string version = {};                 // of fairlead
  std::chrono::system_clock::time_point began = {};
  // The options of the command line: {"connections", "100"}, ...
  std::vector<std::pair<std::string, std::string>> configuration = {};

  BenchMode mode = BenchMode::reply;
  bool is_open_loop = false;
  double intended_rate = 0;          // asked for in the measured part, a second; open loop only
  double measured_seconds = 0;       // behind the warm-up, until the end of the load
  double last_received_seconds = 0;  // from the begin of the load until bytes came last; 0: never
  double silent_seconds = 0;         // from then until the end, replies waited for
  bool interrupted = false;          // by the user
  std::uint32_t connections = 0;     // wanted
  Tally tally = {};
  std::vector<SeriesRow> series = {};
  std::vector<ThreadUse> threads = {};
  // For each delivery: the most that it can have waited for the test's own work on what came with
  // it or just before, which is a part of its latency. In microseconds.
  CoarseHistogram own_work = {};
  bool spins = false;        // the threads never sleep, so their processor time means nothing
  double clock_step_ms = 0;  // drift of CLOCK_REALTIME against CLOCK_MONOTONIC during the run
  std::optional<ServerUse> server = {};

  // The rule that ended the run early, and what it was then; not met.
  std::optional<ThresholdOutcome> aborted_by = {};

  Verdict verdict = {};
  std::vector<ThresholdOutcome> thresholds = {};

  Ledger ledger() const noexcept { return ledger_of(tally); }
  // Operations completed a second, within the measured time. Each message of an open loop owns an
  // interval of its rate, the last one, too.
  double rate() const noexcept;
  // Errors: operations that failed, and what they are a share of: those that ended. Mode idle has
  // no operations: of the tries to connect.
  std::uint64_t errors() const noexcept;
  std::uint64_t ended() const noexcept;
  double error_share() const noexcept;
  double mismatch_share() const noexcept;  // wrong replies, of the operations that ended and these
  // The server has stopped answering: some have no reply, and nothing came in the time for which
  // the end waited for them.
  bool has_gone_silent() const noexcept;
  // Nothing was completed, or the server has gone silent, or for want of a connection a noticeable
  // part of what was due was not sent. Mode idle: as many of the connections were not open at the
  // end.
  bool has_left_undone() const noexcept;
  std::uint64_t connections_missing() const noexcept {
    return connections - std::min<std::uint64_t>(connections, tally.connections_open);
  }
  double server_cpu_us() const noexcept;  // of its processor time, for an operation; 0: not known
  // The histogram of the headline: intended in an open loop, else actual.
  const Histogram& latency() const noexcept;
};

// What is known of a run so far, from its complete seconds behind the warm-up: for thresholds.
BenchResult result_so_far(const Interval& totals, BenchMode mode, double measured_seconds);

// Whether the figures can be believed: a load test that is too slow measures itself. By the rules
// of docs/bench.md ("The verdict"); further reasons are remarks on the server or the run, which do
// not change the level. Ignores the result's own verdict and thresholds.
Verdict judge(const BenchResult& result);

// "1,400 waited for replies, 97 had no connection": of due messages, by what held them.
std::string waits_text(const Waits& waits);

// Adds up the seconds of all threads. Used on one thread. A second is complete when every thread
// has delivered it or has ended.
class BenchSeries {
 public:
  BenchSeries(std::uint32_t threads, BenchDuration warmup) : handed_in_(threads), warmup_(warmup) {}

  void add(std::uint32_t thread, const Interval& interval);
  void end(std::uint32_t thread) { handed_in_[thread] = kAll; }

  // The next second, if it is complete.
  std::optional<SeriesRow> take();

  // The sum of the seconds taken, without the warm-up; `second` is the last one.
  const Interval& totals() const noexcept { return totals_; }

 private:
  static constexpr std::uint32_t kAll = ~std::uint32_t{0};

  std::map<std::uint32_t, Interval> waiting_;
  std::vector<std::uint32_t> handed_in_;  // seconds delivered, by thread
  const BenchDuration warmup_;
  Interval totals_;
};

}  // namespace fairlead
