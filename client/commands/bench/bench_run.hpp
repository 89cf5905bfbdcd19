// A load test over sockets: its threads, and the result that they add up to.
#pragma once

#include <sys/types.h>

#include <span>
#include <tl/expected.hpp>

#include "client/api/failure.hpp"
#include "client/bench/judge/result.hpp"
#include "client/bench/judge/threshold.hpp"
#include "client/bench/report/bench_watch.hpp"
#include "client/bench/workload/load.hpp"
#include "client/cli/output.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// Resolves the name of the server to be loaded. If it has several addresses that can be connected
// from the load's sources, the first to answer is taken, which costs a connection; if none does,
// the first one.
tl::expected<Destination, Failure> find_bench_target(const Endpoint& server, AddressFamily family,
                                                     const Load& load);

// Runs it to its end. The first Ctrl-C or TERM ends it in order, the second at once. `pid`: of the
// server, if its processor time is wanted; else 0. The caller fills in what only the command line
// knows (address, version, configuration) and what is judged (verdict, thresholds). Throws
// SettingError; UsageError with the numbers if the machine lacks what the load needs (BenchNeed).
// As soon as one of `abort_on` holds, judged each second, it is ended in order.
BenchResult run_bench(const Load& load, const Destination& server, pid_t pid, BenchWatch& watch,
                      std::span<const Threshold> abort_on = {});

// Runs one operation of the load on one connection and prints it. Returns the exit code: 0 when it
// went as it should, 1 for a wrong reply or none, 7 without a connection, 28 for a time-out, 130
// for Ctrl-C. Throws SettingError.
int show_exchange(const Load& load, const Destination& server, Encoding terminal);

}  // namespace fairlead
