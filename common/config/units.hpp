// Numbers as people write them in a configuration: 1.5s, 64KiB, 10k, yes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace fairlead {

// A number and ms, s, m, h or d; a bare number is seconds. Whole milliseconds, at most 2^63 - 1.
Result<Duration> parse_duration(std::string_view text);

// A number and ns, us, ms, s, m or h; never a bare number. Whole nanoseconds, at most 2^63 - 1.
Result<std::chrono::nanoseconds> parse_fine_duration(std::string_view text);

// Bytes: a number and k, m or g, also written KiB, MiB, GiB (1024); any case.
Result<std::uint64_t> parse_size(std::string_view text);

// A count, or a count per second: a number and k or m (1000); any case.
Result<std::uint64_t> parse_count(std::string_view text);

// yes, true, on or no, false, off; any case.
Result<bool> parse_flag(std::string_view text);

// Permission bits in octal, at most 0777.
Result<std::uint64_t> parse_mode(std::string_view text);

// The shortest exact text that the parser reads back: "30s", "1MiB", "10k".
std::string format_duration(Duration value);
std::string format_size(std::uint64_t bytes);
std::string format_count(std::uint64_t value);

}  // namespace fairlead
