// The schedule of an open loop: when each message is due.
#pragma once

#include <cstdint>
#include <vector>

#include "client/bench/workload/load.hpp"

namespace fairlead {

// Constant once made, so that several threads may share one. Message n is due when the integral of
// the rate since the begin of the run reaches n. Each time is computed from n itself, so no error
// accumulates.
class Arrivals {
 public:
  // Rates are >= 0, lengths > 0; a rate of 0 is a pause. Over `ramp` the rate rises evenly from 0
  // to the first stage's; the ramp is the beginning of that stage, and no longer than it: a stage
  // that changes its own rate does so in what is left of it.
  Arrivals(const std::vector<Stage>& stages, BenchDuration ramp);

  // Time from the begin of the run until message `n` (from 0) is due. Rises with n.
  // BenchDuration::max() for n >= total().
  BenchDuration due(std::uint64_t n) const noexcept;

  // How many messages are due before `time`: the first n with due(n) >= time.
  std::uint64_t count_until(BenchDuration time) const noexcept;

  // The time until message `n` would be due, were there more of the last rate: until then the ones
  // before it own the schedule. length() if that ends with a pause; n <= total().
  BenchDuration owned(std::uint64_t n) const noexcept;

  // The integral of the rate until `time`: count_until() without whole numbers.
  double messages_until(BenchDuration time) const noexcept;

  std::uint64_t total() const noexcept { return total_; }
  BenchDuration length() const noexcept { return length_; }

 private:
  // A part of the run in which the rate is constant or changes evenly. A double counts whole
  // nanoseconds exactly for a hundred days.
  struct Piece {
    double begin_ns;
    double length_ns;
    double rate, last_rate;  // messages a nanosecond, at its begin and at its end
    double before;           // messages due before this piece

    // How much the rate changes in a nanosecond.
    double slope() const noexcept { return (last_rate - rate) / length_ns; }
    double after() const noexcept;  // messages due until its end
    double due_ns(double message) const noexcept;
    double count_at(double time_ns) const noexcept;
  };

  void add(BenchDuration length, double rate, double last_rate);
  const Piece& piece_at(BenchDuration time) const noexcept;  // 0 <= time

  std::vector<Piece> pieces_;
  BenchDuration length_{0};
  std::uint64_t total_ = 0;
};

// The mean rate, in messages a second, that an open loop asks for between its warm-up and `length`.
// A run that ends after `messages` waits for the last replies, and nothing is due meanwhile.
double intended_rate(const Load& load, BenchDuration length);

}  // namespace fairlead
