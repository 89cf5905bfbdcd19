// The charts of a load test: its latencies by percentile and by value, and its seconds.
#pragma once

#include <optional>
#include <vector>

#include "client/bench/judge/result.hpp"
#include "client/bench/report/svg_chart.hpp"

namespace fairlead {

// Where an open loop has measured it, from the intended time and from that of sending. Nothing
// where no latency was measured, as in the two below.
std::optional<Chart> percentile_chart(const BenchResult& result);
std::optional<Chart> histogram_chart(const BenchResult& result);

// At most so many points are drawn: of a longer run each stands for several seconds.
inline constexpr std::size_t kSeriesPointsMax = 300;

// Rows that stand for one or more seconds: numbers are those of a second, rounded up, latencies and
// connections those of the worst second.
std::vector<SeriesRow> drawn_series(const BenchResult& result);

std::optional<Chart> rate_chart(const BenchResult& result);
std::optional<Chart> latency_series_chart(const BenchResult& result);

}  // namespace fairlead
