// The part of a load test that one thread runs: its connections, when they are opened, and when
// they send.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "client/bench/engine/bench_connection.hpp"

namespace fairlead {

// Called in turns.
class BenchWorkerObserver {
 public:
  // Every connection that is made before the load has been tried once: begin() may be called.
  virtual void on_opened() = 0;

  // A second of the load has ended.
  virtual void on_interval(const Interval& interval) = 0;

  // Nothing more is begun; replies are waited for.
  virtual void on_load_ended() {}

  // Nothing follows; the tally is complete.
  virtual void on_ended() = 0;

 protected:
  ~BenchWorkerObserver() = default;
};

// Made and destroyed on any thread, used in turns of its shard; destroyed once the loop runs no
// more. Everything it is given outlives it. It has the connections thread, thread + threads, ... of
// the run.
class BenchWorker {
 public:
  // How long the end of a run waits for replies.
  static constexpr BenchDuration kDrainMax = std::chrono::seconds(2);

  BenchWorker(const BenchPlan& plan, std::uint32_t thread, ClientShard& shard, Network& network,
              BenchClock& clock, BenchWorkerObserver& observer);
  ~BenchWorker();

  // Makes the connections that are opened before the load begins. on_opened follows, maybe within
  // this call.
  void open();

  // The load begins at `at`, for all workers of the run. on_ended will follow.
  void begin(BenchTime at);

  // The time has come for which BenchClock::wake_at() was last called.
  void on_due();

  // Begins nothing more; on_ended follows when the last replies have come, not within this call.
  void stop();

  // Ends it at once, without on_ended; nothing else may be called then. From any thread, once the
  // loop runs no more.
  void abandon();

  // After on_ended or abandon().
  const Tally& tally() const noexcept { return recorder_.tally(); }
  // When the last operation could be begun.
  BenchTime load_ended() const noexcept { return load_ended_; }

  // The connections call these, in turns.

  // Its first attempt to connect has ended, well or not.
  void on_tried();
  // It could send more at once, and lets others send first: its resume() is called in another turn.
  void resume_later(BenchConnection& connection);
  // It has something to do; later: it has begun all that is due, or may begin no more, and waits
  // for nothing. The two alternate.
  void on_busy() { ++busy_; }
  void on_settled();

 private:
  std::uint32_t index(std::size_t own) const noexcept;
  bool may_start() const noexcept;
  void start_next(BenchTime now);
  void start(std::size_t own);
  void begin_load();
  void deal_due(BenchTime now);
  void find_next_due();
  void make_next_due();
  void begin_and_resume();
  bool is_complete(BenchTime now) const noexcept;
  void end_load(BenchTime now);
  void give_up_unsent(BenchTime now);
  void finish(BenchTime now);
  void arm(BenchTime now);
  void every_second();
  void check_patience();

  const BenchPlan& plan_;
  const std::uint32_t thread_;
  BenchWorkerObserver& observer_;
  BenchRecorder recorder_;
  BenchScope scope_;
  ShardTimer second_;
  ShardTimer patience_;
  std::vector<std::unique_ptr<BenchConnection>> connections_;
  std::vector<BenchConnection*> to_resume_, resuming_;

  std::size_t started_ = 0;  // connections that have been opened, or loaded where that comes first
  std::size_t tried_ = 0;
  std::size_t loaded_ = 0;   // closed loop: connections that have been given their operations
  std::size_t busy_ = 0;     // connections
  std::uint64_t round_ = 0;  // open loop: the next message is number `round_` of connection next_
  std::size_t next_ = 0;
  BenchTime next_due_ = BenchTime::max();  // max: no message is left
  BenchTime opening_since_ = BenchTime::max();
  BenchTime load_ends_ = BenchTime::max();
  BenchTime schedule_ends_ = BenchTime::max();  // open loop: of the last message's own interval
  BenchTime load_ended_ = BenchTime::max();
  BenchTime drain_ends_ = BenchTime::max();
  BenchTime armed_ = BenchTime::max();
  bool has_ended_ = false;
};

}  // namespace fairlead
