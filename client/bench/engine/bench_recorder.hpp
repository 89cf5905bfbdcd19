// The counters of one thread of a load test.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "client/bench/stats/bench_time.hpp"
#include "client/bench/stats/tally.hpp"
#include "client/bench/workload/expectation.hpp"
#include "client/bench/workload/load.hpp"

namespace fairlead {

// When a connection became able to send, and what had held it before.
struct Room {
  BenchTime since{};
  Wait by = Wait::test;
  BenchTime paused_from{}, paused_until{};  // the test's own pause before it; equal: none
};

struct Outstanding {
  std::uint64_t of_connection = 0;  // its number on its connection, from 0
  BenchTime intended{};             // when it was due; open loop only
  BenchTime sent{};
  bool is_answered = false;  // before an older one
};

// Owned by its worker, used on its thread. Every event counts in the second in which it happens.
// The tally holds the operations that began after the warm-up, and the connections and their
// failures before the load. Allocates once a second, never for a message.
class BenchRecorder {
 public:
  // `on_interval` is given each second as it ends.
  BenchRecorder(const Load& load, std::function<void(const Interval&)> on_interval)
      : is_open_loop_(load.is_open_loop()),
        warmup_(load.warmup),
        reply_timeout_(load.reply_timeout),
        connect_timeout_(load.connect_timeout),
        on_interval_(std::move(on_interval)) {}

  // The begin and the planned end of the load. Earlier events count in its first second, later ones
  // in its last. What is completed by `counts_until` is done in time: the last messages of an open
  // loop own an interval, too. BenchTime::max(): the end is not known.
  void begin(BenchTime at, BenchTime ends, BenchTime counts_until) noexcept;
  // The load has ended otherwise than was planned.
  void end_at(BenchTime now) noexcept { counts_until_ = std::min(counts_until_, now); }

  void on_connected(BenchDuration took, BenchTime now);
  void on_lost(BenchTime now);  // by the server or the network
  void on_closed() noexcept { --connections_open_; }

  // An operation is due: in an open loop by the schedule, in a closed one because it is begun.
  void on_due(BenchTime began, std::uint64_t times = 1) noexcept {
    if (is_measured(began)) tally_.due += times;
  }
  // Closed loop: that many operations.
  void on_sent(BenchTime now, std::uint64_t times) {
    on_due(now, times);
    count(now, now, &BenchCounts::sent, times);
  }
  // Open loop.
  void on_sent(const Outstanding& operation, const Room& room);
  void on_done(const Outstanding& operation, BenchTime now) {
    const bool is_alike = alike_ > 0 && now == alike_now_ &&
                          operation.sent == alike_operation_.sent &&
                          operation.intended == alike_operation_.intended;
    if (!is_alike) count_alike(operation, now);
    ++alike_;
  }
  // An operation that has begun, or that a lack of a connection has cost (`operation` has its
  // `intended` or `sent` time then).
  void on_failed(BenchError error, const Outstanding& operation, BenchTime now);
  // A try to connect that no operation depended on.
  void on_connect_failed(BenchError error, BenchTime since, BenchTime now);
  void on_mismatch(const Mismatch& mismatch, BenchTime began, BenchTime now);
  // Sent, and given up because the reply to an earlier one was wrong.
  void on_abandoned(const Outstanding& operation) noexcept;
  // Sent, and still without a reply at the end of a run.
  void on_unfinished(const Outstanding& operation, BenchTime now) noexcept;
  // Due, and not sent when the load ended.
  void on_never_sent(BenchTime intended, Wait wait, BenchTime now) noexcept;
  void on_socket_full(BenchTime now) noexcept { tally_.held_by_socket += is_measured(now) ? 1 : 0; }
  void add_bytes_out(std::uint64_t bytes, BenchTime now) {
    count(now, now, &BenchCounts::bytes_out, bytes);
  }
  void add_bytes_in(std::uint64_t bytes, BenchTime now) {
    if (bytes > 0) tally_.last_received = now;
    count(now, now, &BenchCounts::bytes_in, bytes);
  }

  // Passes on the seconds that have ended by `now`.
  void roll(BenchTime now) {
    if (now >= second_ends_) end_seconds(now);
  }

  // BenchTime::max() in the last one.
  BenchTime second_ends() const noexcept { return second_ends_; }

  // Passes on the last, perhaps incomplete, second and completes the tally.
  void finish(BenchTime now);

  const Tally& tally() const noexcept { return tally_; }

  // When an operation was due; in a closed loop, when it was sent.
  BenchTime began(const Outstanding& operation) const noexcept {
    return is_open_loop_ ? operation.intended : operation.sent;
  }

 private:
  bool is_measured(BenchTime began) const noexcept {
    return began >= measured_from_ || began < begin_;
  }
  bool is_in_time(BenchTime now) const noexcept {
    return now >= measured_from_ && now <= counts_until_;
  }
  // At least that much.
  void record_wait(const Outstanding& operation, BenchTime now, BenchDuration at_least);
  void count_alike(const Outstanding& next, BenchTime now);
  void begin_second(BenchTime at) noexcept;
  void end_seconds(BenchTime now);
  void hand_out();

  // Adds to the second, and to the tally if it is measured. `counter_of` gives the counter.
  template <class CounterOf>
  void count(BenchTime began, BenchTime now, CounterOf counter_of, std::uint64_t times = 1) {
    roll(now);
    std::invoke(counter_of, interval_.counts) += times;
    if (is_measured(began)) std::invoke(counter_of, tally_.counts) += times;
  }

  const bool is_open_loop_;
  const BenchDuration warmup_;
  const BenchDuration reply_timeout_, connect_timeout_;
  const std::function<void(const Interval&)> on_interval_;
  BenchTime begin_ = BenchTime::max();
  BenchTime measured_from_ = BenchTime::max();
  BenchTime ends_ = BenchTime::max();
  BenchTime counts_until_ = BenchTime::max();
  BenchTime second_began_ = BenchTime::max();
  BenchTime second_ends_ = BenchTime::max();  // max in the last second
  std::uint64_t connections_open_ = 0;

  // The replies of one read mostly belong to one write: equal times are counted together.
  Outstanding alike_operation_;
  BenchTime alike_now_{};
  std::uint64_t alike_ = 0;

  Interval interval_;
  Tally tally_;
};

}  // namespace fairlead
