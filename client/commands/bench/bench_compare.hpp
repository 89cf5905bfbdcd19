// fairlead bench compare: which of several servers is faster?
#pragma once

#include <string>

#include "client/commands/command.hpp"

namespace fairlead {

std::string bench_compare_help();

// With the words behind `compare`. Throws UsageError and SettingError.
int run_bench_compare(const Words& arguments, const TerminalLocale& locale);

}  // namespace fairlead
