// The charts of a load test: its latencies by percentile and by value, and its seconds.
#pragma once

#include <optional>
#include <vector>

#include "client/bench/judge/result.hpp"
#include "client/bench/report/chart.hpp"

namespace fairlead {

// In an open loop from the intended time and from the time of sending. No chart: no latency was
// measured.
std::optional<Chart> percentile_chart(const BenchResult& result);
std::optional<Chart> histogram_chart(const BenchResult& result);

// A chart over time has at most so many points. In a longer run each stands for several seconds.
inline constexpr std::size_t kSeriesPointsMax = 300;
std::size_t seconds_of_a_point(const BenchResult& result);

// A row for each point: numbers are those of a second, rounded up; latencies and connections are
// those of the worst second.
std::vector<SeriesRow> drawn_series(const BenchResult& result);

std::optional<Chart> rate_chart(const BenchResult& result);
std::optional<Chart> latency_series_chart(const BenchResult& result);

}  // namespace fairlead
