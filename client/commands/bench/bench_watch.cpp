#include "client/commands/bench/bench_watch.hpp"

namespace fairlead {
namespace {

// The intended rate at that time of the run.
double rate_at(const Load& load, BenchDuration at) {
  BenchDuration begins{0};
  for (const Stage& stage : load.stages) {
    if (at < begins + stage.length) return stage.rate;
    begins += stage.length;
  }
  return load.stages.empty() ? 0 : load.stages.back().rate;
}

}  // namespace

BenchWatch::BenchWatch(const BenchSettings& settings, Output& err, Encoding terminal)
    : load_(settings.load), began_(std::chrono::steady_clock::now()) {
  if (!settings.quiet) view_ = make_bench_view(settings.view, err, terminal);
  progress_.duration = load_.duration;
  progress_.messages = load_.duration > BenchDuration::zero() ? 0 : load_.messages;
  progress_.connections = load_.connections;
}

BenchWatch::~BenchWatch() { end(); }

void BenchWatch::end() {
  if (view_) view_->end();
  view_.reset();
}

void BenchWatch::on_begin() {
  began_ = std::chrono::steady_clock::now();
  progress_.phase = BenchProgress::Phase::warmup;
  update_phase();
}

void BenchWatch::on_second(const SeriesRow& row, const Interval& totals) {
  const BenchCounts& counts = row.counts;
  progress_.finished += counts.done + counts.all_errors() + counts.all_mismatches();
  progress_.connections_open = row.connections_open;
  progress_.counts = totals.counts;
  const BenchDuration measured = std::chrono::seconds(row.second + 1) - load_.warmup;
  const double seconds = fairlead::seconds(measured);
  progress_.rate = seconds > 0 ? static_cast<double>(totals.counts.done) / seconds : 0;
  progress_.p50 = totals.latency.quantile(0.5);
  progress_.p90 = totals.latency.quantile(0.9);
  progress_.p99 = totals.latency.quantile(0.99);
  progress_.max = totals.latency.max();
  update_phase();
  if (view_) view_->on_second(row, progress_);
}

void BenchWatch::on_tick() {
  update_phase();
  if (view_) view_->update(progress_);
}

void BenchWatch::on_load_ended() {
  progress_.phase = BenchProgress::Phase::finishing;
  update_phase();
}

void BenchWatch::update_phase() {
  progress_.elapsed = std::chrono::steady_clock::now() - began_;
  progress_.intended_rate = rate_at(load_, progress_.elapsed);
  if (progress_.phase == BenchProgress::Phase::warmup && progress_.elapsed >= load_.warmup)
    progress_.phase = BenchProgress::Phase::running;
}

}  // namespace fairlead
