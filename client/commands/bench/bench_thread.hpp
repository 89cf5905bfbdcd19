// One thread of a load test: its loop, its sockets, its clock, and the worker that uses them.
#pragma once

#include <cstdint>
#include <thread>

#include "client/api/client_shard.hpp"
#include "client/bench/engine/bench_worker.hpp"
#include "client/bench/judge/result.hpp"
#include "client/bench/workload/bench_plan.hpp"
#include "client/commands/bench/bench_machine.hpp"
#include "common/io/connector.hpp"
#include "common/io/loop.hpp"

namespace fairlead {

// Called on the thread that reports.
class BenchThreadObserver {
 public:
  virtual void on_opened() = 0;
  virtual void on_interval(std::uint32_t thread, const Interval& interval) = 0;
  virtual void on_load_ended() = 0;
  virtual void on_ended(std::uint32_t thread) = 0;

 protected:
  ~BenchThreadObserver() = default;
};

// Made, used and destroyed on the thread that controls the run; the observer outlives it.
class BenchThread final : private BenchWorkerObserver, BenchClock {
 public:
  // Throws SettingError.
  BenchThread(const Load& load, const Destination& server, std::uint32_t thread,
              BenchThreadObserver& observer);
  ~BenchThread();

  // Begins to make the connections that are opened before the load begins.
  void start();
  // The load begins at `at`, once all threads are open.
  void begin(BenchTime at);
  // In order: the last replies are waited for.
  void stop();

  // Ends it without waiting for replies, and returns when the thread is gone. The functions below
  // may be called from then on.
  void end_now();

  const Tally& tally() const noexcept { return worker_.tally(); }
  BenchTime load_ended() const noexcept { return worker_.load_ended(); }
  const ThreadUse& use() const noexcept { return use_; }

 private:
  // BenchWorkerObserver.
  void on_opened() override { observer_.on_opened(); }
  void on_interval(const Interval& interval) override { observer_.on_interval(thread_, interval); }
  void on_load_ended() override;
  void on_ended() override;

  // BenchClock.
  BenchTime now() noexcept override { return std::chrono::steady_clock::now(); }
  void wake_at(BenchTime at) override;

  void run();

  BenchThreadObserver& observer_;
  const std::uint32_t thread_;
  const BenchPlan plan_;
  Loop loop_;
  ClientShard shard_;
  Connector network_;
  Alarm wake_;
  Alarm warm_;  // the end of the warm-up
  BenchWorker worker_;
  BenchTime measured_since_ = BenchTime::max();
  ThreadTimes times_before_;
  ThreadUse use_;
  std::thread running_;
};

}  // namespace fairlead
