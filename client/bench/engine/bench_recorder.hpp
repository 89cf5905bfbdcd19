// Where one thread of a load test writes down what happens.
#pragma once

#include <cstdint>

#include "client/bench/engine/outstanding.hpp"
#include "client/bench/stats/bench_time.hpp"
#include "client/bench/stats/tally.hpp"
#include "client/bench/workload/expectation.hpp"
#include "client/bench/workload/load.hpp"

namespace fairlead {

// Takes each second as it ends. The view dies when the call returns.
class IntervalSink {
 public:
  virtual void on_interval(const Interval& interval) = 0;

 protected:
  ~IntervalSink() = default;
};

// Owned by its worker, used on its thread; the load and the sink outlive it. Everything counts in
// the second in which it happens; in the tally only what began behind the warm-up does, and
// connections and their failures before the load began. Takes memory once a second, never for a
// message.
class BenchRecorder {
 public:
  BenchRecorder(const Load& load, IntervalSink& sink)
      : is_open_loop_(load.is_open_loop()), warmup_(load.warmup), sink_(sink) {}

  // The load begins, and is to end; what comes before counts in its first second, and what is
  // waited for behind its end in its last one. BenchTime::max(): its end is not known.
  void begin(BenchTime at, BenchTime ends) noexcept;

  void connected(BenchDuration took, BenchTime now);
  void lost_connection(BenchTime now);  // by the server or the network
  void closed_connection() noexcept { --connections_open_; }

  // In a closed loop: so many operations.
  void sent(BenchTime now, std::uint64_t times);
  // In an open one. `room_since`: when its connection could have sent it, because a reply had come,
  // or because it was made.
  void sent(const Outstanding& one, BenchTime room_since, bool room_by_reply);
  void done(const Outstanding& one, BenchTime now) {
    const bool is_alike = alike_ > 0 && now == alike_now_ && one.sent == alike_one_.sent &&
                          one.intended == alike_one_.intended;
    if (!is_alike) count_alike(one, now);
    ++alike_;
  }
  void failed(BenchError error, BenchTime began, BenchTime now);
  void mismatched(const Mismatch& mismatch, BenchTime began, BenchTime now);
  void unfinished(std::uint64_t times = 1) noexcept { tally_.unfinished += times; }
  void unsent(std::uint64_t times) noexcept { tally_.unsent += times; }
  void held_by_socket(BenchTime now) noexcept { tally_.held_by_socket += is_measured(now) ? 1 : 0; }
  void bytes_out(std::uint64_t bytes, BenchTime now);
  void bytes_in(std::uint64_t bytes, BenchTime now);

  // Hands out the seconds that have ended by `now`.
  void roll(BenchTime now) {
    if (now >= second_ends_) end_seconds(now);
  }

  // Hands out the last second, which may be a part of one, and completes the tally.
  void finish(BenchTime now);

  const Tally& tally() const noexcept { return tally_; }

  // Of an operation: when it was due, in a closed loop when it was begun.
  BenchTime began(const Outstanding& one) const noexcept {
    return is_open_loop_ ? one.intended : one.sent;
  }

 private:
  bool is_measured(BenchTime began) const noexcept {
    return began >= measured_from_ || began < begin_;
  }
  void count_alike(const Outstanding& next, BenchTime now);
  void begin_second(BenchTime at) noexcept;
  void end_seconds(BenchTime now);
  void hand_out();

  // Adds to the second, and to the tally where it is measured.
  template <class Add>
  void count(BenchTime began, BenchTime now, Add&& add) {
    roll(now);
    add(interval_.counts);
    if (is_measured(began)) add(tally_.counts);
  }

  const bool is_open_loop_;
  const BenchDuration warmup_;
  IntervalSink& sink_;
  BenchTime begin_ = BenchTime::max();
  BenchTime measured_from_ = BenchTime::max();
  BenchTime ends_ = BenchTime::max();
  BenchTime second_began_ = BenchTime::max();
  BenchTime second_ends_ = BenchTime::max();  // of the last second: max
  std::uint64_t connections_open_ = 0;

  // What one read brings has mostly been sent by one write, and is counted at once.
  Outstanding alike_one_;
  BenchTime alike_now_{};
  std::uint64_t alike_ = 0;

  Interval interval_;
  Tally tally_;
};

}  // namespace fairlead
