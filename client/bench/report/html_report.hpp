// A load test as one page, to be attached to whatever is decided by it.
#pragma once

#include <string>

#include "client/bench/judge/result.hpp"

namespace fairlead {

// Complete in itself: it loads nothing, runs no script, and forbids itself both; well-formed as XML
// too. In UTF-8. Text of a peer or the user is escaped.
std::string html_report(const BenchResult& result);

}  // namespace fairlead
