// How something that fairleadd attempts ends, and the exit statuses of fairleadd.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace fairlead {

inline constexpr int kExitRuntimeFailure = 1;
inline constexpr int kExitBadArguments = 2;
inline constexpr int kExitNoPermission = 4;
inline constexpr int kExitInvalidConfiguration = 6;

// Why fairleadd ends: lines for stderr, and the exit status.
struct Failure {
  std::string what;
  int exit_status;
};

template <class T = void>
using Outcome = tl::expected<T, Failure>;

// return failure("cannot ...");
inline tl::unexpected<Failure> failure(std::string what, int exit_status = kExitRuntimeFailure) {
  return tl::unexpected<Failure>(Failure{std::move(what), exit_status});
}

}  // namespace fairlead
