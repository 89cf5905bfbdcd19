// A load test over sockets: its threads, and the result that they add up to.
#pragma once

#include <sys/types.h>

#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "client/api/failure.hpp"
#include "client/bench/judge/result.hpp"
#include "client/bench/judge/threshold.hpp"
#include "client/bench/report/bench_watch.hpp"
#include "client/bench/workload/load.hpp"
#include "client/cli/output.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// Resolves the name of the server to be loaded: the addresses that can be connected from the load's
// sources, at least one. If there are several, the first to answer, which costs a connection, comes
// first, and those of another family are left out: many a name has both, and a server that listens
// at one. If none answers, the first one says the family.
tl::expected<std::vector<Destination>, Failure> find_bench_target(const Endpoint& server,
                                                                  AddressFamily family,
                                                                  const Load& load);

// Runs it to its end. The first Ctrl-C or TERM ends it in order, the second at once. `pid`: of the
// server, if its processor time is wanted; else 0. The caller fills in what only the command line
// knows (address, version, configuration) and what is judged (verdict, thresholds). Throws
// SettingError; UsageError with the numbers if the machine lacks what the load needs (BenchNeed).
// As soon as one of `abort_on` holds, judged each second, it is ended in order.
BenchResult run_bench(const Load& load, const std::vector<Destination>& servers, pid_t pid,
                      BenchWatch& watch, std::span<const Threshold> abort_on = {});

// Runs one operation of the load on one connection and prints it. Returns the exit code: 0 when it
// went as it should, 1 for a wrong reply or none, 7 without a connection, 28 for a time-out, 130
// for Ctrl-C. Throws SettingError.
int show_exchange(const Load& load, const std::vector<Destination>& servers, Encoding terminal);

}  // namespace fairlead
