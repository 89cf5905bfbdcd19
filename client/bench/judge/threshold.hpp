// What a run must reach: 'p99<20ms', 'errors<0.1%', 'mismatch==0', 'rate>50k'.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/bench/judge/result.hpp"

namespace fairlead {

// NAME OPERATOR VALUE, with blanks between them if wanted; the operator is one of < <= > >= ==.
//
// clang-format off
//   name              subject                                                value
//   p50, p99.9, ...   any percentile of the headline latency                 a time: 250us, 20ms
//   max, mean         the headline latency                                   a time
//   actual_p99, ...   the same, measured from the time of sending            a time
//   connect_p99, ...  the same of the time to connect                        a time
//   errors            operations that failed                                 a number, or a share
//   mismatch          replies that were wrong                                of all that ended: 0.1%,
//                                                                            0.1 %, or 0.001
//   rate              operations completed a second                          as --rate: 50k, 0.5, 30/m
//   cpu               the server's processor time for an operation (--pid)   a time
// clang-format on
//
// A threshold on a figure that was not measured, or on a percentile of too few samples
// (samples_needed), is not met.
class Threshold {
 public:
  // Throws SettingError.
  explicit Threshold(std::string_view text);

  ThresholdOutcome judge(const BenchResult& result) const;

  // Known while a run lasts, and not only at its end.
  bool is_of_each_second() const noexcept {
    return latency_ == nullptr && subject_ != Subject::cpu;
  }
  bool is_of_errors() const noexcept { return subject_ == Subject::errors; }
  bool is_of_mismatches() const noexcept { return subject_ == Subject::mismatch; }

 private:
  enum class Subject : std::uint8_t { quantile, max, mean, errors, mismatch, rate, cpu };
  struct Measured {
    std::optional<double> value = {};
    std::string note = {};  // why there is none, or why it is unreliable
  };

  void read_name(std::string_view name);
  bool read_time_name(std::string_view name);
  void read_limit(std::string_view text);
  bool read_share(std::string_view text);
  bool is_time() const noexcept;
  Measured measured_time(const BenchResult& result) const;
  Measured measured_number(const BenchResult& result) const;
  std::string figure(double value) const;

  std::string text_;
  Subject subject_ = Subject::quantile;
  Histogram Tally::*latency_ = nullptr;  // null: the headline one
  double quantile_ = 0;                  // of `quantile`: 0.99
  bool (*holds_)(double value, double limit) = nullptr;
  double limit_ = 0;  // microseconds, a number, a number a second, or a share
  bool is_share_ = false;
};

}  // namespace fairlead
