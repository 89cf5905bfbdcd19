// What fairlead bench --dry-run shows: the bytes of one exchange, both ways.
#pragma once

#include "client/bench/workload/load.hpp"
#include "client/cli/output.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// Runs one operation of the load on one connection and prints it. Returns the exit code: 0 when it
// went as it should, 1 for a wrong reply or none, 7 when there was no connection, 28 when one of
// them took too long, 130 for Ctrl-C. Throws SettingError.
int show_exchange(const Load& load, const Destination& server, Output& out);

}  // namespace fairlead
