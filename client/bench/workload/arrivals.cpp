#include "client/bench/workload/arrivals.hpp"

#include <algorithm>
#include <cmath>

namespace fairlead {
namespace {

constexpr double kNanosecondsPerSecond = 1e9;

// One a second for thirty seconds are exactly 30 messages, despite rounding errors.
double without_rounding_error(double messages) {
  const double whole = std::round(messages);
  return std::abs(messages - whole) <= 1e-6 + 1e-15 * whole ? whole : messages;
}

double nanoseconds(BenchDuration duration) { return static_cast<double>(duration.count()); }

}  // namespace

Arrivals::Arrivals(const std::vector<Stage>& stages, BenchDuration ramp) {
  BenchDuration rising = ramp;
  for (const Stage& stage : stages) {
    rising = std::min(rising, stage.length);
    add(rising, 0, stage.rate);
    add(stage.length - rising, stage.rate, stage.last_rate());
    rising = BenchDuration{0};
  }
  if (pieces_.empty()) return;
  total_ = static_cast<std::uint64_t>(std::ceil(pieces_.back().after()));
}

void Arrivals::add(BenchDuration length, double rate, double last_rate) {
  if (length <= BenchDuration{0}) return;
  pieces_.push_back({.begin_ns = nanoseconds(length_),
                     .length_ns = nanoseconds(length),
                     .rate = rate / kNanosecondsPerSecond,
                     .last_rate = last_rate / kNanosecondsPerSecond,
                     .before = pieces_.empty() ? 0 : pieces_.back().after()});
  length_ += length;
}

double Arrivals::Piece::after() const noexcept {
  return without_rounding_error(before + (rate + last_rate) / 2 * length_ns);
}

// Within a time `t` of its begin, rate * t + slope * t^2 / 2 messages are due.
double Arrivals::Piece::due_ns(double message) const noexcept {
  const double within = message - before;
  double wait = within / rate;
  if (rate != last_rate) {
    const double rate_then = std::sqrt(std::max(0.0, rate * rate + 2 * slope() * within));
    wait = within > 0 ? 2 * within / (rate + rate_then) : 0;
  }
  return begin_ns + std::min(std::round(wait), length_ns - 1);
}

double Arrivals::Piece::count_at(double time_ns) const noexcept {
  const double within = time_ns - begin_ns;
  return before + within * (rate + slope() * within / 2);
}

BenchDuration Arrivals::due(std::uint64_t n) const noexcept {
  if (n >= total_) return BenchDuration::max();
  const auto message = static_cast<double>(n);
  const auto behind =
      std::upper_bound(pieces_.begin(), pieces_.end(), message,
                       [](double wanted, const Piece& piece) { return wanted < piece.before; });
  return BenchDuration(static_cast<BenchDuration::rep>((behind - 1)->due_ns(message)));
}

const Arrivals::Piece& Arrivals::piece_at(BenchDuration time) const noexcept {
  const auto behind =
      std::upper_bound(pieces_.begin(), pieces_.end(), nanoseconds(time),
                       [](double wanted, const Piece& piece) { return wanted < piece.begin_ns; });
  return *(behind - 1);
}

std::uint64_t Arrivals::count_until(BenchDuration time) const noexcept {
  if (time <= BenchDuration{0}) return 0;
  if (time >= length_) return total_;
  // At most one off; due() rounds to nanoseconds and decides.
  auto count =
      std::min(total_, static_cast<std::uint64_t>(piece_at(time).count_at(nanoseconds(time))));
  while (count > 0 && due(count - 1) >= time) --count;
  while (due(count) < time) ++count;
  return count;
}

BenchDuration Arrivals::owned(std::uint64_t n) const noexcept {
  if (n < total_) return due(n);
  const double more = static_cast<double>(n) - messages_until(length_);
  const double rate = pieces_.empty() ? 0 : pieces_.back().last_rate;
  if (rate <= 0 || more <= 0) return length_;
  return length_ + BenchDuration(static_cast<BenchDuration::rep>(more / rate));
}

double Arrivals::messages_until(BenchDuration time) const noexcept {
  if (pieces_.empty() || time <= BenchDuration{0}) return 0;
  if (time >= length_) return pieces_.back().after();
  return piece_at(time).count_at(nanoseconds(time));
}

double intended_rate(const Load& load, BenchDuration length) {
  const Arrivals arrivals(load.stages, load.ramp);
  const bool are_all = load.messages > 0 && arrivals.count_until(length) >= load.messages;
  const BenchDuration end =
      are_all ? std::min(arrivals.due(load.messages), arrivals.length()) : length;
  if (end <= load.warmup) return 0;
  const double messages = arrivals.messages_until(end) - arrivals.messages_until(load.warmup);
  return messages / seconds(end - load.warmup);
}

}  // namespace fairlead
