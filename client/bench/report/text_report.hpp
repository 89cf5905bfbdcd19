// The report of a load test for people: verdict first.
#pragma once

#include <string>

#include "client/bench/judge/result.hpp"

namespace fairlead {

// Lines of at most 100 columns, unless one word is wider, in UTF-8, each with its end. What a peer
// or the user wrote is escaped.
std::string text_report(const BenchResult& result);

}  // namespace fairlead
