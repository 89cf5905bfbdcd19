// Figures as people read and write them, and the percentiles that are reported.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead {

// Three digits and a unit: "85 us", "1.24 ms", "12.3 s". 0 or more.
std::string time_figure(double microseconds);

// Three digits, and "%": 0.0247 is "2.47 %", 1.5 is "150 %". 0 or more.
std::string share_figure(double share);

// "1,234,567".
std::string count_figure(std::uint64_t count);

// "1,234,567 /s", "12.3 /s". 0 or more.
std::string rate_figure(double per_second);

// All of `text` as a number of digits, for a double with at most one point: no sign, no exponent,
// no "inf".
template <class Number>
std::optional<Number> number_in(std::string_view text) noexcept {
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

// ---- Percentiles ----

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
