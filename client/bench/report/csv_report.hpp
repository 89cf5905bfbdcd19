// The seconds of a load test as a table for other programs.
#pragma once

#include <string>

#include "client/bench/judge/result.hpp"

namespace fairlead {

// RFC 4180: a header line, then a line for each second, warm-up included; CRLF. Latencies in
// microseconds (0: nothing came in that second), bytes as they are. No field needs quotes.
std::string csv_report(const BenchResult& result);

}  // namespace fairlead
