// How something that the daemon attempted ended, and the exit statuses of fairleadd.
#pragma once

#include <string>

namespace fairlead {

inline constexpr int kExitRuntimeFailure = 1;
inline constexpr int kExitBadArguments = 2;
inline constexpr int kExitNoPermission = 4;
inline constexpr int kExitInvalidConfiguration = 6;

struct Outcome {
  int exit_status = 0;
  std::string error;  // one line for stderr when exit_status is not 0

  bool failed() const noexcept { return exit_status != 0; }
};

}  // namespace fairlead
