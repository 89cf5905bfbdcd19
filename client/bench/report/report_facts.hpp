// The wording that the text report and the page share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/bench/judge/result.hpp"

namespace fairlead {

// Everything here is UTF-8 without controls; text of others is escaped.

// What the numbers count, in the plural: "messages", "connections", "greetings", "downloads".
std::string_view operations_of(BenchMode mode) noexcept;

// "open loop: 5.00k messages a second were due over 100 connections, for 30.0 s".
std::string loop_text(const BenchResult& result);

// How to read the latencies of that loop; empty without latencies.
std::string loop_meaning(const BenchResult& result);

// When the run began: "2026-11-22T02:19:55Z".
std::string began_text(const BenchResult& result);

struct Fact {
  std::string name;
  std::string value;
};

// Rates, errors, mismatches, bytes, connections and processor time.
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

// The value that a threshold found ("4.20 ms"), and a note on why it is not met.
std::string found_text(const ThresholdOutcome& outcome);

// A wrong reply: a description, and its hex diff, which may be empty.
struct WrongReply {
  std::string line;
  std::vector<std::string> diff;
};
// The first ones.
std::vector<WrongReply> wrong_replies(const BenchResult& result);

}  // namespace fairlead
