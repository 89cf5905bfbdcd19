// Which percentiles a load test reports, and whether it has seen enough to report them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "client/bench/stats/percentile.hpp"

namespace fairlead {

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

// In the unit of the histogram; nothing where too few samples support it.
template <class AnyHistogram>
std::optional<std::uint64_t> supported_quantile(const AnyHistogram& histogram, double share) {
  if (histogram.count() < samples_needed(share)) return std::nullopt;
  return histogram.quantile(share);
}

}  // namespace fairlead
