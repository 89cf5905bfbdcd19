// What a report says, in words, before it has a form: the text and the page have it in common.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/judge/result.hpp"

namespace fairlead {

// Everything here is UTF-8 without controls; what others wrote is escaped.

// What the numbers count, in the plural: "messages", "connections", "greetings", "downloads".
std::string_view operations_of(BenchMode mode) noexcept;

// "open loop: 5.00k messages a second were due over 100 connections, for 30.0 s".
std::string loop_text(const BenchResult& result);

// What that means for the latencies; empty where there are none.
std::string loop_meaning(const BenchResult& result);

// RFC 3339 in whole seconds: "2026-11-22T02:19:55Z".
std::string utc_text(std::chrono::system_clock::time_point time);

// Against whom, when, with what: "127.0.0.1:7878, 2026-11-22T02:19:55Z, fairlead 0.1.0".
std::string occasion_text(const BenchResult& result);

struct Fact {
  std::string name;
  std::string value;
};

// How much and how fast; errors and mismatches; bytes; connections; what it cost.
std::vector<Fact> facts_of(const BenchResult& result);

// The latencies that were measured: in an open loop from the intended time and from the time of
// sending.
struct NamedHistogram {
  std::string_view name;
  const Histogram& histogram;
};
std::vector<NamedHistogram> latencies_of(const BenchResult& result);

// The percentiles, the greatest and the mean. "-": too few samples support it.
struct LatencyTable {
  struct Row {
    std::string name;
    std::vector<std::string> cells;  // as many as columns
  };
  std::vector<std::string> columns = {};  // without those that saw nothing; may be empty
  std::vector<Row> rows = {};
  bool has_gaps = false;  // there is a "-"
};
LatencyTable latency_table(const BenchResult& result);

// What a threshold found, and why it is not met where the number does not say it: "4.20 ms".
std::string found_text(const ThresholdOutcome& outcome);

// Where the first wrong reply was and what was wrong with it, then the lines of its hex diff. Empty
// where there was none.
std::vector<std::string> first_mismatch_lines(const BenchResult& result);

}  // namespace fairlead
