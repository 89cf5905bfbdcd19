// Rates and stages as they are written on a command line.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "client/bench/workload/load.hpp"

namespace fairlead {

// The longest run: Arrivals are exact so far. One until Ctrl-C is as long.
inline constexpr BenchDuration kRunMax = std::chrono::hours(24 * 100);

// "500", "1.5k", "0.5", "30/m", "10/h": operations a second; 0 or more. Throws SettingError.
double parse_rate(std::string_view text);

// "10s@1k,30s@1k-5k": stages in turn, of one rate or of one that changes evenly to another. Throws
// SettingError, also where no rate is above 0, or where they are longer than kRunMax.
std::vector<Stage> parse_stages(std::string_view text);

}  // namespace fairlead
