// The figures of the daemon as the log shows them (docs/operations.md, The counters).
#pragma once

#include <cstdint>
#include <vector>

#include "common/io/loop.hpp"
#include "common/log/log_sink.hpp"
#include "server/core/counters.hpp"

namespace fairlead {

// What one shard reports: counters since the start, times since the last report.
struct ShardReport {
  Counters counters;
  TurnTimes times;

  ShardReport& operator+=(const ShardReport& other) noexcept {
    counters += other.counters;
    times += other.times;
    return *this;
  }
};

// What belongs to the process and to no shard.
struct ProcessFigures {
  std::uint64_t heap_in_use = 0;                    // bytes
  std::uint64_t log_lost = 0, transcript_lost = 0;  // lines
};

// The fields of the line `counters`. Close reasons without a session are left out.
std::vector<Field> counter_fields(const ShardReport& sum, const ProcessFigures& process);

// The fields of the lines that say how many sessions are left.
std::vector<Field> census_fields(const Census& census);

}  // namespace fairlead
