// Shows a load test while it runs.
#pragma once

#include <memory>
#include <string_view>

#include "client/bench/report/bench_view.hpp"
#include "client/bench/workload/arrivals.hpp"
#include "client/commands/bench/bench_run.hpp"
#include "client/commands/bench/bench_settings.hpp"

namespace fairlead {

// Turns what a run tells into what a view shows. Used on one thread, for one run.
class BenchWatch final : public BenchRunObserver {
 public:
  // `err` outlives it.
  BenchWatch(const BenchSettings& settings, Output& err, Encoding terminal);
  ~BenchWatch();

  // Takes away what was shown only for the moment.
  void end();

 private:
  // BenchRunObserver.
  void on_begin() override;
  void on_second(const SeriesRow& row, const Interval& totals) override;
  void on_tick() override;
  void on_load_ended() override;

  void look();

  const Load& load_;
  std::unique_ptr<BenchView> view_;  // null: nobody watches
  BenchProgress progress_;
  BenchTime began_;
};

}  // namespace fairlead
