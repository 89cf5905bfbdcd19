// Which of several servers is faster, from rounds in which each was tested in turn.
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
// microseconds, operations a second, errors as a share of what ended. Nothing: not measured.
using RoundFigures = std::array<std::optional<double>, kCompareMetrics>;
RoundFigures round_figures(const BenchResult& result);

struct ComparedTarget {
  std::string name = {};  // its address, as the user wrote it
  std::vector<RoundFigures> rounds = {};
};

// How much of the first target's figure another one's is. Infinite where the first one's is 0 and
// the other's is not; 1 where both are 0.
struct Ratio {
  double estimate = 1;  // the median of the rounds' ratios
  double low = 1;       // 95 % interval; both are the estimate where there is one round only
  double high = 1;
};

struct Comparison {
  // Two runs that were not made in turn differ by so much although nothing has changed: other load,
  // other temperature, other memory layout.
  static constexpr double kDriftAllowance = 0.30;

  struct Target {
    std::string name = {};
    std::array<std::optional<double>, kCompareMetrics> medians = {};  // of its rounds
    std::array<std::optional<Ratio>, kCompareMetrics> ratios =
        {};  // to the first target, which has none
  };
  std::vector<Target> targets = {};
  std::size_t rounds = 0;
  std::optional<double> separate_drift = {};  // runs made apart, and what is allowed for it
};

// `targets`: two or more, with the same number of rounds, one or more; round i of each was run
// beside round i of the others, so that what disturbed one disturbed all and leaves their ratio.
// The interval is a bootstrap over the rounds: 10,000 times as many rounds are drawn, with putting
// back, and their median taken; it is the middle 95 % of those.
Comparison compare(std::span<const ComparedTarget> targets, std::uint64_t seed);

// Two runs made apart, say read from files.
Comparison compare_separate(const ComparedTarget& first, const ComparedTarget& second,
                            double drift_allowance = Comparison::kDriftAllowance);

// "1.02 [0.98, 1.05]": the estimate and its interval; without an interval only "1.02". Infinity is
// "from 0", and a bound "inf".
std::string ratio_figure(const Ratio& ratio);

}  // namespace fairlead
