// The counters of one thread of a load test.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "client/bench/stats/bench_time.hpp"
#include "client/bench/stats/tally.hpp"
#include "client/bench/workload/expectation.hpp"
#include "client/bench/workload/load.hpp"

namespace fairlead {

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
        on_interval_(std::move(on_interval)) {}

  // The begin and the planned end of the load. Earlier events count in its first second, later ones
  // in its last. BenchTime::max(): the end is not known.
  void begin(BenchTime at, BenchTime ends) noexcept;

  void on_connected(BenchDuration took, BenchTime now);
  void on_lost(BenchTime now);  // by the server or the network
  void on_closed() noexcept { --connections_open_; }

  // Closed loop: that many operations.
  void on_sent(BenchTime now, std::uint64_t times) { count(now, now, &BenchCounts::sent, times); }
  // Open loop. `room_since`: when the connection became able to send it, by a reply or by being
  // made.
  void on_sent(const Outstanding& operation, BenchTime room_since, bool room_by_reply);
  void on_done(const Outstanding& operation, BenchTime now) {
    const bool is_alike = alike_ > 0 && now == alike_now_ &&
                          operation.sent == alike_operation_.sent &&
                          operation.intended == alike_operation_.intended;
    if (!is_alike) count_alike(operation, now);
    ++alike_;
  }
  void on_failed(BenchError error, BenchTime began, BenchTime now);
  void on_mismatch(const Mismatch& mismatch, BenchTime began, BenchTime now);
  void add_unfinished(std::uint64_t times = 1) noexcept { tally_.unfinished += times; }
  void add_unsent(std::uint64_t times) noexcept { tally_.unsent += times; }
  void on_socket_full(BenchTime now) noexcept { tally_.held_by_socket += is_measured(now) ? 1 : 0; }
  void add_bytes_out(std::uint64_t bytes, BenchTime now) {
    count(now, now, &BenchCounts::bytes_out, bytes);
  }
  void add_bytes_in(std::uint64_t bytes, BenchTime now) {
    count(now, now, &BenchCounts::bytes_in, bytes);
  }

  // Passes on the seconds that have ended by `now`.
  void roll(BenchTime now) {
    if (now >= second_ends_) end_seconds(now);
  }

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
  const std::function<void(const Interval&)> on_interval_;
  BenchTime begin_ = BenchTime::max();
  BenchTime measured_from_ = BenchTime::max();
  BenchTime ends_ = BenchTime::max();
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
