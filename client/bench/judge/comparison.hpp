// Compares servers by rounds in which each was tested in turn, and decides when a comparison fails.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/judge/result.hpp"

namespace fairlead {

enum class CompareMetric : std::uint8_t { p50, p99, p999, mean, rate, errors, cpu };
inline constexpr std::size_t kCompareMetrics = static_cast<std::size_t>(CompareMetric::cpu) + 1;
std::string_view name_of(CompareMetric metric) noexcept;  // "p50", "p99.9", ...

// What one run measured: latencies and the server's processor time for an operation in
// microseconds, operations a second, errors as a share of the operations that ended. Empty: not
// measured.
using RoundFigures = std::array<std::optional<double>, kCompareMetrics>;
RoundFigures round_figures(const BenchResult& result);

struct ComparedTarget {
  std::string name = {};  // its address, as the user wrote it
  std::vector<RoundFigures> rounds = {};
};

// A target's figure divided by the first target's. Infinite if only the first one's is 0; 1 if both
// are.
struct Ratio {
  double estimate = 1;  // the median of the rounds' ratios
  double low = 1;       // 95 % interval; equal to the estimate if there is only one round
  double high = 1;
};

struct Comparison {
  struct Target {
    std::string name = {};
    std::array<std::optional<double>, kCompareMetrics> medians = {};  // of its rounds
    // To the first target, which has none.
    std::array<std::optional<Ratio>, kCompareMetrics> ratios = {};
  };
  std::vector<Target> targets = {};
  std::size_t rounds = 0;
  // Separate runs, for example from files: the share by which they may differ although nothing has
  // changed (load, temperature, memory layout).
  std::optional<double> separate_drift = {};
};

// `targets`: two or more, with the same number of rounds. Round i of each was run beside round i of
// the others, so that a disturbance hits all and leaves their ratio. The interval is a bootstrap
// over the rounds: the middle 95 % of the medians of 10,000 resamples with replacement.
Comparison compare(std::span<const ComparedTarget> targets, std::uint64_t seed);

// "1.02 [0.98, 1.05]": the estimate and its interval; without an interval only "1.02". Infinity is
// "from 0", and a bound "inf".
std::string ratio_figure(const Ratio& ratio);

// A condition under which a comparison fails: 'p99>+10%', 'rate<-5%'.
class FailRule {
 public:
  // Throws SettingError.
  explicit FailRule(std::string_view text);

  // A sentence for each target that is beyond the limit, without full stop: the estimate is beyond
  // it, and the whole interval on that side of no change. For separate runs the estimate must
  // exceed the allowed drift, too. A figure that was not measured fails as well.
  std::vector<std::string> failures(const Comparison& comparison) const;

 private:
  bool is_beyond(const Ratio& ratio, double drift) const noexcept;

  std::string text_;
  CompareMetric metric_ = CompareMetric::p99;
  bool is_above_ = true;  // fails above 1 + change_, else below 1 - change_
  double change_ = 0;     // 0.10 for 10%
};

}  // namespace fairlead
