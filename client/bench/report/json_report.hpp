// A load test as one JSON object, for programs and for later comparisons (docs/bench-json.md).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "client/bench/judge/result.hpp"

namespace fairlead {

// One line of ASCII with its end. Whatever a peer or the user wrote is escaped; bytes of it that
// are not UTF-8 have become U+FFFD.
std::string json_report(const BenchResult& result);

// What a comparison needs of a report that was saved.
struct SavedReport {
  std::string address = {};  // any characters: escape it
  std::string began = {};    // as in the report: RFC 3339; escape it
  std::string belief = {};   // "VALID", "DOUBTFUL" or "INVALID"
  bool is_open_loop = false;
  double intended_rate = 0;  // operations a second; 0 in a closed loop
  // By name: "p50" ... "max", "mean" (microseconds), "rate" (a second), "errors" (a share),
  // "mismatch" (how many), "cpu" (the server's microseconds an operation). Without those that were
  // not measured, or that too few samples support. Finite, 0 or more.
  std::map<std::string, double> metrics = {};
};

struct ReadReport {
  std::optional<SavedReport> report = {};
  std::string error = {};  // why there is none, for a person
};

// `text` may be anything: it is a file that a user named. Never throws but std::bad_alloc.
ReadReport read_json_report(std::string_view text);

}  // namespace fairlead
