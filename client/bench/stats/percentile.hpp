// Percentiles: which are reported, and how many samples each needs.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fairlead {

// Ten values must lie beyond the percentile: 1,000 for a share of 0.99. With fewer, a single slow
// value can change it by an order of magnitude.
inline std::uint64_t samples_needed(double share) noexcept {
  return static_cast<std::uint64_t>(std::llround(10.0 / (1.0 - share)));
}

struct ReportedQuantile {
  std::string_view name;  // as in thresholds: "p99.9"
  double share;
};

inline constexpr std::array<ReportedQuantile, 6> kReportedQuantiles{{{"p50", 0.5},
                                                                     {"p75", 0.75},
                                                                     {"p90", 0.9},
                                                                     {"p99", 0.99},
                                                                     {"p99.9", 0.999},
                                                                     {"p99.99", 0.9999}}};

// In the unit of the histogram; empty if there are too few samples.
template <class AnyHistogram>
std::optional<std::uint64_t> supported_quantile(const AnyHistogram& histogram, double share) {
  if (histogram.count() < samples_needed(share)) return std::nullopt;
  return histogram.quantile(share);
}

}  // namespace fairlead
