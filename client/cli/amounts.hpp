// Amounts as people read them in progress lines and reports.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

#include "common/base/time.hpp"

namespace fairlead {

// Three digits and a unit of 1024: "17 B", "1.50 KiB", "12.3 MiB", "153 GiB". At most 8 columns.
std::string size_text(std::uint64_t bytes);

// The same, a second: "1.50 KiB/s". At most 10 columns.
std::string rate_text(double bytes_per_second);

// Three digits and a unit of 1000: "17", "1.50k", "12.3M", "153G". At most 5 columns below 10^18. 0
// or more.
std::string count_text(double count);

// Whole seconds, rounded up: "0:05", "59:59", "2 h 03 m", "3 d 04 h", ">99 d". At most 9 columns.
// 0 or more.
std::string time_text(Duration time);

// RFC 3339 in whole seconds, UTC: "2026-11-22T02:19:55Z".
std::string utc_text(std::time_t seconds);

// A share of the whole, rounded down, so that only the whole is 100: "43%".
std::string percent_text(std::uint64_t part, std::uint64_t whole);

}  // namespace fairlead
