// A load test over sockets: its threads, and the seconds and figures that they add up to.
#pragma once

#include <sys/types.h>

#include "client/api/failure.hpp"
#include "client/bench/judge/result.hpp"
#include "client/bench/workload/load.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// Told on the thread that called run_bench().
class BenchRunObserver {
 public:
  // The connections are made; the load begins now.
  virtual void on_begin() = 0;

  // A second is complete. `totals`: what has been counted behind the warm-up so far.
  virtual void on_second(const SeriesRow& row, const Interval& totals) = 0;

  // Ten times a second, from the beginning.
  virtual void on_tick() {}

  // Nothing more is sent; replies are waited for.
  virtual void on_load_ended() {}

 protected:
  ~BenchRunObserver() = default;
};

// Where a load test goes.
struct BenchTarget {
  Destination server = {};
  Failure failure = {};  // FailureKind::name_not_resolved: there is no such place
};

// Resolves a name. Where it has several addresses that may be connected from the load's sources,
// the first to answer is taken, which costs a connection; if none does, the first.
BenchTarget find_bench_target(const Endpoint& server, AddressFamily family, const Load& load);

// Runs it to its end. The first Ctrl-C or TERM ends it in order, the second at once. `pid`: of the
// server, if its processor time is wanted; else 0. What only the command line knows (address,
// version, configuration) and what is judged (verdict, thresholds) is left out of the result.
// Throws SettingError; UsageError with the numbers where the machine has not what the load needs
// (BenchNeed).
BenchResult run_bench(const Load& load, const Destination& server, pid_t pid,
                      BenchRunObserver& observer);

}  // namespace fairlead
