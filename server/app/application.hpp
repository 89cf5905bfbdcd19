// The daemon put together: listeners, one loop and shard per thread, signals, and the way it stops.
#pragma once

#include <string>
#include <vector>

#include "common/log/log.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

inline constexpr int kExitRuntimeFailure = 1;
inline constexpr int kExitNoPermission = 4;

// How something that the daemon attempted at start ended.
struct Outcome {
  int exit_status = 0;
  std::string error;  // one line for stderr when exit_status is not 0
};

// Opens everything the settings name, and closes it again: what `-t` checks beyond the file itself.
Outcome check_daemon(const ServerSettings& settings, Log& log);

// Serves until a signal ends it (docs/architecture.md, The end). Called once, on the main thread,
// which becomes the first shard's. The settings and the log outlive the call.
Outcome run_daemon(const ServerSettings& settings, Log& log);

}  // namespace fairlead
