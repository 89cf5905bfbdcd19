// Figures as people read them in the sentences of a load test.
#pragma once

#include <cstdint>
#include <string>

namespace fairlead {

// Three digits and a unit: "85 us", "1.24 ms", "12.3 s". 0 or more.
std::string time_figure(double microseconds);

// Three digits, and "%": 0.0247 is "2.47 %", 1.5 is "150 %". 0 or more.
std::string share_figure(double share);

// "1,234,567".
std::string count_figure(std::uint64_t count);

// "1,234,567 /s", "12.3 /s". 0 or more.
std::string rate_figure(double per_second);

}  // namespace fairlead
