// Shows a load test while it runs.
#pragma once

#include <memory>
#include <string_view>

#include "client/bench/report/bench_view.hpp"
#include "client/bench/workload/arrivals.hpp"
#include "client/commands/bench/bench_settings.hpp"

namespace fairlead {

// Turns the events of a run into what a view shows. Used on one thread, for one run.
class BenchWatch {
 public:
  // `err` outlives it.
  BenchWatch(const BenchSettings& settings, Output& err, Encoding terminal);
  ~BenchWatch();

  // The connections are made; the load begins now.
  void on_begin();
  // A second is complete. `totals`: the counts behind the warm-up so far.
  void on_second(const SeriesRow& row, const Interval& totals);
  // Ten times a second, from the beginning.
  void on_tick();
  // Nothing more is sent; replies are waited for.
  void on_load_ended();

  // Removes what was shown only for the moment.
  void end();

 private:
  void update_phase();

  const Load& load_;
  std::unique_ptr<BenchView> view_;  // null: --quiet
  BenchProgress progress_;
  BenchTime began_;
};

}  // namespace fairlead
