// The report of a load test for people: verdict first.
#pragma once

#include <string>

#include "client/bench/result.hpp"

namespace fairlead {

std::string text_report(const BenchResult& result);

}  // namespace fairlead
